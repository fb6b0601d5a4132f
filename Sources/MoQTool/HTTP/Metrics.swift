import MoQ

/// Numbers in Prometheus' text format: each metric with its HELP and TYPE lines, then its samples.
struct Metrics {
  enum Kind: String { case counter, gauge }
  private(set) var text = ""

  /// One value of a metric, and by which labels it differs from the others.
  struct Sample {
    let value: Double
    let labels: KeyValuePairs<String, String>
    init(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) { (self.value, self.labels) = (value, labels) }
  }

  /// One metric and its samples; a counter's name ends with `_total`.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      let inside = sample.labels.map { "\($0)=\"\(Self.escaped($1).replacing("\"", with: "\\\""))\"" }
      text += name + (inside.isEmpty ? "" : "{\(inside.joined(separator: ","))}") + " \(Self.number(sample.value))\n"
    }
  }
  /// One whose samples differ by one label.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String, by label: String, _ values: KeyValuePairs<String, UInt64>
  ) {
    add(name, kind, help, values.map { Sample(Double($1), [label: $0]) })
  }
  mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    add(name, .counter, help, [Sample(Double(value))])
  }
  mutating func gauge(_ name: String, _ help: String, _ value: Int) { add(name, .gauge, help, [Sample(Double(value))]) }

  /// What a value or a help text may not hold as it is.
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}

extension Metrics {
  /// A relay's numbers; `delay` is how long its loop took to hand them over.
  init(_ look: RelayOverview, delay: Duration) {
    let counters = look.statistics.counters
    add(
      "moq_sessions", .gauge,
      "Sessions that are alive, by dialect and transport; without a dialect: in their handshake.",
      look.sessions.isEmpty
        ? [Sample(0)]
        : look.sessions.map { Sample(Double($0.count), ["dialect": $0.dialect ?? "", "transport": $0.transport.name]) })
    add(
      "moq_connections", .gauge, "QUIC connections; lingering: over, and answering packets that are late.",
      [
        Sample(Double(look.connections.alive), ["state": "alive"]),
        Sample(Double(look.connections.lingering), ["state": "lingering"]),
      ])
    counter("moq_sessions_accepted_total", "Sessions since the start.", look.statistics.sessionsAccepted)
    gauge("moq_namespaces", "Namespaces that are announced.", look.statistics.broadcasts)
    gauge("moq_tracks", "Tracks that are subscribed to upstream, or kept.", look.statistics.tracks)
    gauge("moq_subscriptions", "Subscriptions that are served.", look.statistics.subscriptions)
    gauge("moq_cached_bytes", "Bytes in the cache, overheads included.", look.statistics.cachedBytes)
    gauge("moq_cached_groups", "Groups in the cache.", look.cachedGroups)

    counter("moq_received_objects_total", "Objects that publishers sent.", counters.objectsIn)
    counter("moq_received_bytes_total", "Bytes of objects that publishers sent.", counters.bytesIn)
    counter(
      "moq_sent_objects_total", "Objects written whole to a subscriber, counted once a subscriber.", counters.objectsOut
    )
    counter("moq_sent_bytes_total", "Bytes of objects written to subscribers.", counters.bytesOut)

    counter("moq_evicted_groups_total", "Groups that left the cache to keep its bound.", counters.groupsEvicted)
    counter(
      "moq_skipped_groups_total", "Groups a subscriber did not get whole, being too slow for them.",
      counters.groupsSkipped)
    counter("moq_duplicate_objects_total", "Objects that were there already.", counters.duplicates)
    counter("moq_late_objects_total", "Objects of groups that had been evicted before.", counters.objectsTooLate)
    counter(
      "moq_stale_objects_total", "Objects not passed on, having been cached for longer than their publisher allows.",
      counters.objectsStale)
    counter(
      "moq_delivery_timeouts_total", "Streams reset as an object was older than the subscriber wanted.",
      counters.deliveryTimeouts)
    add(
      "moq_bridged_total", .counter, "What bridging between dialects changed or lost, by rule.", by: "rule",
      [
        "objects_renumbered": counters.objectsRenumbered,
        "objects_out_of_order": counters.objectsOutOfOrder,
        "groups_without_head": counters.groupsWithoutHead,
        "groups_cut": counters.groupsCut,
        "extensions_dropped": counters.extensionsDropped,
        "statuses_dropped": counters.statusesDropped,
        "gaps_dropped": counters.gapsDropped,
        "datagrams_on_streams": counters.datagramsOnStreams,
        "datagrams_dropped": counters.datagramsDropped,
        "objects_inexpressible": counters.objectsInexpressible,
        "announcements_inexpressible": counters.announcementsInexpressible,
      ])
    counter("moq_refused_subscriptions_total", "Subscriptions that were refused.", counters.subscriptionsRefused)
    add(
      "moq_fetches_total", .counter, "Fetches, by what became of them.", by: "outcome",
      [
        "cache": counters.fetchesFromCache,
        "forwarded": counters.fetchesForwarded,
        "refused": counters.fetchesRefused,
      ])
    counter("moq_takeovers_total", "Tracks that another publisher took over.", counters.takeovers)

    counter("moq_udp_sent_bytes_total", "UDP payload that connections sent.", look.carried.bytesSent)
    counter("moq_udp_received_bytes_total", "UDP payload that connections received.", look.carried.bytesReceived)
    counter("moq_udp_sent_packets_total", "Packets that connections sent.", look.carried.packetsSent)
    counter("moq_udp_lost_packets_total", "Packets with stream data that were declared lost.", look.carried.packetsLost)
    add(
      "moq_udp_stray_packets_total", .counter, "Packets of no connection, by what was answered.", by: "answer",
      [
        "retry": look.packets.retries,
        "refusal": look.packets.refusals,
        "version_negotiation": look.packets.versionNegotiations,
        "stateless_reset": look.packets.statelessResets,
        "none": look.packets.ignored,
      ])
    add(
      "moq_round_trip_seconds", .gauge, "Smoothed round-trip times of the sessions there are.",
      [
        Sample(look.meanRTT.inSeconds, ["of": "mean"]), Sample(look.highestRTT.inSeconds, ["of": "highest"]),
      ])
    add(
      "moq_loop_delay_seconds", .gauge, "How long the relay's thread took to hand these numbers over.",
      [Sample(delay.inSeconds)])
    if let process = ProcessNumbers() {
      add("process_resident_memory_bytes", .gauge, "Memory of the process.", [Sample(Double(process.residentBytes))])
      add("process_cpu_seconds_total", .counter, "User and system time of the process.", [Sample(process.cpuSeconds)])
    }
  }
}

extension TransportKind {
  /// As a label.
  var name: String {
    switch self {
    case .quic: "quic"
    case .webTransport: "webtransport"
    }
  }
}
