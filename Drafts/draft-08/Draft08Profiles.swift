import MoQKernel

/// A draft as imquic speaks it where extension headers are not in use: a datagram is without them altogether,
/// without the count or the length that says there are none.
public enum ImquicDatagrams<Base: Dialect>: Variant {
  public static var profile: String? { "imquic" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.datagram?.always = (nil, nil)
    return forms
  }
}

public typealias Draft08Imquic = ImquicDatagrams<Draft08>
