import MoQDrafts
import MoQKernel
import Testing

/// The data planes of drafts 07 to 13: what the object walks pass is what the figures have.
@Suite struct OlderFigureTests {
  @Test(arguments: dialects.map { $0.name }.filter { $0.hasPrefix("draft-") && $0 < "draft-14" })
  func theDataPlaneIsItsFigures(name: String) throws {
    let dialect = try #require(dialects.named(name)), figures = try Figures(dialect), forms = dialect.objects
    /// A figure of before 11 begins behind the type; and conditions that never hold are no part of a figure.
    func texts(_ lines: [WireTracer.Line], bare: Bool = false) -> [String] {
      lines.map(\.text).filter { !$0.hasPrefix("Type (i)") && !(bare && $0.hasPrefix("Extension")) }
    }
    func expect(_ ours: [String], _ figure: String) {
      #expect(ours == figures[figure].map { texts($0.meant) }, "\(figure)")
    }
    let payload = "Object Payload (..)"

    expect(
      texts(
        try WireTracer.figure { wire throws(WireError) in
          var stream = SubgroupStream(forms, flags: forms.subgroup.flags.intersection(.subgroupID))
          try stream.walkHeader(&wire)
        }), forms.subgroup.name.description)
    let object = try WireTracer.figure { wire throws(WireError) in
      var stream = SubgroupStream(forms), header = ObjectHeader()
      stream.begin(&header)
      try stream.walk(&header, &wire)
    }
    expect(texts(object, bare: !forms.hasExtensions) + [payload], "Subgroup Object")
    #expect(object.last?.optional == true)
    expect(
      texts(
        try WireTracer.figure { wire throws(WireError) in
          guard var stream = FetchStream(forms) else { return }
          try stream.walkHeader(&wire)
        }), "FETCH_HEADER")
    let fetched = try WireTracer.figure { wire throws(WireError) in
      guard var stream = FetchStream(forms) else { return }
      var header = ObjectHeader()
      try stream.walk(&header, &wire)
    }
    expect(texts(fetched) + [payload], "Fetch Object")

    let form = try #require(forms.datagram)
    func datagram(isStatus: Bool) throws -> [String] {
      let isBare = form.extensionBit == 0 && (isStatus ? form.always.statuses : form.always.objects) == nil
      return texts(
        try WireTracer.figure { wire throws(WireError) in
          guard var datagram = ObjectDatagram(forms) else { return }
          datagram.isStatus = isStatus
          var header = ObjectHeader()
          try datagram.walk(&header, &wire)
        }, bare: isBare)
    }
    if form.statusBit == 0 {
      expect(try datagram(isStatus: false) + [payload], "OBJECT_DATAGRAM")
    } else {
      expect(try datagram(isStatus: false).filter { $0 != "Object Status (i)" } + [payload], "OBJECT_DATAGRAM")
      expect(try datagram(isStatus: true), "OBJECT_DATAGRAM_STATUS")
    }
    if let token = figures["Token"] {
      #expect(try WireTracer.figure(AuthorizationToken.self, .alias(1)) == token.meant)
    }
  }
}
