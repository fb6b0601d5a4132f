import MoQKernel

/// Any bytes as control messages: none traps, and what is accepted is written and read again to the same.
func control(_ dialect: any Dialect.Type, _ input: UnsafeRawBufferPointer) {
  let bytes = [UInt8](input), integers = dialect.objects.integers
  let type = (try? dialect.frame(bytes.span.bytes))?.type
  for kind in MessageKind.allCases where dialect.speaks(kind) && (type == nil || dialect.type(of: kind) == type) {
    _ = dialect.explain(bytes, as: kind)
    var reader = WireReader(bytes.span.bytes, integers: integers)
    guard let message = try? dialect.decode(kind, from: &reader) else { continue }
    var writer = WireWriter(integers: integers)
    do { try dialect.encode(message, into: &writer) } catch {
      fatalError("\(dialect.name) \(kind): read, but not written: \(error)")
    }
    precondition(writer.count <= reader.position, "\(dialect.name) \(kind): written in more bytes")
    let again = writer.bytes
    var second = WireReader(again.span.bytes, integers: integers)
    precondition(
      (try? dialect.decode(kind, from: &second)) == message && second.remaining == 0,
      "\(dialect.name) \(kind): written, and read as another message")
  }
}

/// Any bytes as a data stream: nothing traps, reading ends, and each object that is accepted is written again in
/// as few bytes and read again to the same.
func data(_ dialect: any Dialect.Type, _ input: UnsafeRawBufferPointer) {
  let bytes = [UInt8](input), forms = dialect.objects
  _ = dialect.explain(stream: bytes)
  var reader = WireReader(bytes.span.bytes, integers: forms.integers)
  var writer = WireWriter(integers: forms.integers)
  var stream = SubgroupStream(forms)
  if (try? stream.walkHeader(&reader)) != nil {
    var again = stream, header = ObjectHeader()
    do { try again.walkHeader(&writer) } catch { fatalError("\(dialect.name): a header is not written: \(error)") }
    precondition(writer.count <= reader.position, "\(dialect.name): a header in more bytes")
    let begin = writer.count
    var back = stream
    while (try? stream.read(&header, from: &reader)) != nil {
      writer.truncate(to: begin)
      do { try again.write(header, to: &writer) } catch { fatalError("\(dialect.name): not written: \(error)") }
      let copy = [UInt8](writer.bytes[begin...])
      var second = WireReader(copy.span.bytes, integers: forms.integers), twin = ObjectHeader()
      do { try back.read(&twin, from: &second) } catch {
        fatalError("\(dialect.name): written, but not read: \(error)")
      }
      same(header, twin, dialect.name)
      guard header.payloadLength <= UInt64(reader.remaining), reader.slice(Int(header.payloadLength)) != nil else {
        break
      }
    }
  }
  reader = WireReader(bytes.span.bytes, integers: forms.integers)
  guard var fetch = FetchStream(forms), (try? fetch.walkHeader(&reader)) != nil else { return }
  var again = fetch, back = fetch, header = ObjectHeader()
  while (try? fetch.read(&header, from: &reader)) != nil {
    writer.clear()
    do { try again.write(header, to: &writer) } catch { fatalError("\(dialect.name): not written: \(error)") }
    let copy = writer.bytes
    var second = WireReader(copy.span.bytes, integers: forms.integers), twin = ObjectHeader()
    do { try back.read(&twin, from: &second) } catch { fatalError("\(dialect.name): written, but not read: \(error)") }
    same(header, twin, dialect.name)
    guard header.payloadLength <= UInt64(reader.remaining), reader.slice(Int(header.payloadLength)) != nil else {
      break
    }
  }
}

/// Any bytes as a datagram: nothing traps, and what is accepted is written again in as few bytes.
func datagram(_ dialect: any Dialect.Type, _ input: UnsafeRawBufferPointer) {
  let bytes = [UInt8](input), forms = dialect.objects
  _ = dialect.explain(datagram: bytes)
  var reader = WireReader(bytes.span.bytes, integers: forms.integers), header = ObjectHeader()
  guard var datagram = ObjectDatagram(forms), (try? datagram.read(&header, from: &reader)) != nil else { return }
  var writer = WireWriter(integers: forms.integers)
  do { try datagram.write(header, to: &writer) } catch {
    fatalError("\(dialect.name): a datagram is read, but not written: \(error)")
  }
  precondition(writer.count <= reader.position, "\(dialect.name): a datagram in more bytes")
  if let payload = reader.slice(reader.remaining) { writer.append(payload) }
  let copy = writer.bytes
  var second = WireReader(copy.span.bytes, integers: forms.integers), twin = ObjectHeader()
  do { try datagram.read(&twin, from: &second) } catch {
    fatalError("\(dialect.name): written, but not read: \(error)")
  }
  same(header, twin, dialect.name)
}

/// Insists that what was read again is the same.
private func same(_ header: borrowing ObjectHeader, _ back: borrowing ObjectHeader, _ name: String) {
  precondition(
    back.group == header.group && back.subgroup == header.subgroup && back.id == header.id
      && back.priority == header.priority && back.status == header.status
      && back.payloadLength == header.payloadLength && back.extensions.byteCount == header.extensions.byteCount,
    "\(name): another object")
}
