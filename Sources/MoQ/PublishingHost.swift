import MoQKernel

final class PublishingHost {
  init(_ host: SessionHost, requests: Inbox<IncomingRequest>) {}
  func flush() {}
  func handle(_ event: Event) {}
  func over(_ failure: MoQError) {}
}
