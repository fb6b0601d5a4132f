// swift-tools-version: 6.2
import PackageDescription

/// Borrowed bytes (`~Escapable` readers and headers) need this one experimental flag.
let settings: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

/// Each dialect is a folder under `Drafts/`; what is beside its sources is for people and tests.
let dialects = [
  "draft-07", "draft-08", "draft-09", "draft-10", "draft-11", "draft-12", "draft-13", "draft-14", "moq-lite-01",
  "transfork-03",
]

func library(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
}

let package = Package(
  name: "swift-moq",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "MoQ", targets: ["MoQ"]),
    .library(name: "MoQKernel", targets: ["MoQKernel"]),
    .library(name: "MoQDrafts", targets: ["MoQDrafts"]),
    .library(name: "MoQRelay", targets: ["MoQRelay"]),
    .executable(name: "moq", targets: ["MoQTool"]),
    .executable(name: "moq-bench", targets: ["MoQBench"]),
  ],
  targets: [
    .target(name: "MoQKernel", swiftSettings: settings),
    .target(
      name: "MoQDrafts", dependencies: ["MoQKernel"], path: "Drafts",
      exclude: ["README.md"] + dialects.flatMap { ["\($0)/README.md", "\($0)/figures.txt"] },
      swiftSettings: settings),
    .target(name: "MoQRelay", dependencies: ["MoQKernel"], swiftSettings: settings),

    library("CNgtcp2", pkgConfig: "libngtcp2", apt: "libngtcp2-dev", brew: "libngtcp2"),
    library("CGnuTLS", pkgConfig: "gnutls", apt: "libgnutls28-dev", brew: "gnutls"),
    library("CNghttp3", pkgConfig: "libnghttp3", apt: "libnghttp3-dev", brew: "libnghttp3"),
    library("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev", brew: "openssl@3"),
    .target(
      name: "CQuic", dependencies: ["CNgtcp2", "CGnuTLS", "CNghttp3", "CCrypto"],
      // ngtcp2's pkg-config file does not name its TLS helper.
      linkerSettings: [.linkedLibrary("ngtcp2_crypto_gnutls")]),
    .target(name: "MoQNetwork", dependencies: ["MoQKernel", "CQuic"], swiftSettings: settings),

    library("CMicrohttpd", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev", brew: "libmicrohttpd"),
    .target(name: "CHTTP", dependencies: ["CMicrohttpd"]),
    .target(name: "MoQHTTP", dependencies: ["CHTTP"], swiftSettings: settings),
    .target(name: "MoQPage", resources: [.embedInCode("page.html")], swiftSettings: settings),

    .target(
      name: "MoQ", dependencies: ["MoQKernel", "MoQDrafts", "MoQRelay", "MoQNetwork"], swiftSettings: settings),
    .executableTarget(
      name: "MoQTool", dependencies: ["MoQ", "MoQKernel", "MoQDrafts", "MoQNetwork", "MoQHTTP", "MoQPage", "CQuic"],
      swiftSettings: settings),
    .target(name: "CBench", dependencies: ["CQuic"]),
    .executableTarget(
      name: "MoQBench", dependencies: ["MoQ", "MoQNetwork", "MoQKernel", "CBench"], swiftSettings: settings),

    // Recordings of WebTransport are taken out of their HTTP/3 connections before they are replayed.
    .testTarget(
      name: "MoQKernelTests", dependencies: ["MoQKernel", "MoQDrafts", "MoQNetwork"], swiftSettings: settings),
    .testTarget(name: "MoQDraftsTests", dependencies: ["MoQKernel", "MoQDrafts"], swiftSettings: settings),
    .testTarget(name: "MoQRelayTests", dependencies: ["MoQRelay", "MoQKernel", "MoQDrafts"], swiftSettings: settings),
    .testTarget(name: "MoQNetworkTests", dependencies: ["MoQNetwork", "MoQKernel", "CQuic"], swiftSettings: settings),
    .testTarget(
      name: "MoQTests", dependencies: ["MoQ", "MoQNetwork", "MoQKernel", "MoQDrafts"], swiftSettings: settings),
    .testTarget(name: "MoQHTTPTests", dependencies: ["MoQHTTP", "MoQNetwork"], swiftSettings: settings),
    .testTarget(name: "MoQToolTests", dependencies: ["MoQTool", "MoQ", "MoQNetwork"], swiftSettings: settings),
    .testTarget(name: "ToyDialectTests", dependencies: ["MoQ"], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
