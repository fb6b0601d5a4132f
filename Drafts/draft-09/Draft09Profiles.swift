/// draft-09 as imquic speaks it: see draft-08's.
public typealias Draft09Imquic = ImquicDatagrams<Draft09>
public typealias Draft09ImquicOffer = ImquicOffer<Draft09>
