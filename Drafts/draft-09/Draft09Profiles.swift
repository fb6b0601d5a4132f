import MoQKernel

/// draft-09 as imquic speaks it where extension headers are not in use: a datagram is without them altogether,
/// without the length that says there are none.
public enum Draft09Imquic: Variant {
  public typealias Base = Draft09
  public static var profile: String? { "imquic" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.datagram?.always = (nil, nil)
    return forms
  }
}
