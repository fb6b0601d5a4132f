import Synchronization
import Testing

@testable import MoQNetwork

@Suite(.timeLimit(.minutes(1)))
struct LoopTests {
  @Test func timersFireInOrder() async throws {
    let loop = Loop()
    defer { loop.shutdown() }
    let order = try await withCheckedThrowingContinuation { (done: CheckedContinuation<[Int], any Error>) in
      loop.post {
        var fired: [Int] = []
        let start = loop.now
        for i in [5, 1, 4, 2, 3] { loop.schedule(at: start + UInt64(i) * 2_000_000) { fired.append(i) } }
        let moved = loop.timer { fired.append(100) }
        moved.arm(at: start + 1_000_000)
        moved.arm(at: start + 11_000_000)
        let sooner = loop.timer { fired.append(0) }
        sooner.arm(at: start + 50_000_000)
        sooner.arm(at: start + 1_000_000)
        let cancelled = loop.timer { fired.append(-1) }
        cancelled.arm(at: start + 3_000_000)
        cancelled.cancel()
        loop.schedule(at: start + 12_000_000) { done.resume(returning: fired) }
      }
    }
    #expect(order == [0, 1, 2, 3, 4, 5, 100])
  }

  @Test func manyTimers() async throws {
    let loop = Loop()
    defer { loop.shutdown() }
    let good = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Bool, any Error>) in
      loop.post {
        var generator = Xorshift(11), left = 2000, last: UInt64 = 0, ordered = true
        let start = loop.now
        for _ in 0..<2000 {
          let at = start + generator.next() % 20_000_000
          let timer = loop.timer {
            // Those due in the same tick fire by time as well.
            ordered = ordered && at >= last
            last = at
            left -= 1
            if left == 0 { done.resume(returning: ordered) }
          }
          timer.arm(at: at + generator.next() % 5_000_000)
          timer.arm(at: at)
        }
      }
    }
    #expect(good)
  }

  @Test func postsFromManyThreads() async throws {
    let loop = Loop()
    let count = LoopBound(Counter(), on: loop)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { for _ in 0..<1000 { loop.post { count.value.count += 1 } } }
      }
    }
    #expect(try await loop.run { count.value.count } == 8000)
    loop.shutdown()
    await loop.join()
    #expect(loop.post {} == false)
    await #expect(throws: NetworkError.shutDown) { try await loop.run {} }
  }
  final class Counter { var count = 0 }

  actor Pinned {
    let loop: Loop
    var count = 0
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    init(_ loop: Loop) { self.loop = loop }
    func add() -> Bool {
      count += 1
      return loop.isCurrent
    }
    func addTo(_ other: Pinned) async -> Bool { await other.add() && loop.isCurrent }
  }

  @Test func actorsLiveOnTheLoop() async throws {
    let loop = Loop()
    defer { loop.shutdown() }
    let a = Pinned(loop), b = Pinned(loop)
    for _ in 0..<100 {
      #expect(await a.add())
      #expect(await a.addTo(b))
    }
    // A handler's call, already on the loop, enters the actor directly.
    #expect(try await loop.run { a.assumeIsolated { $0.count } } == 100)
  }

  @Test func tasksLiveOnTheLoop() async throws {
    let loop = Loop()
    defer { loop.shutdown() }
    let pinned = Pinned(loop)
    let task = Task(executorPreference: loop.taskExecutor) {
      var good = loop.isCurrent
      for _ in 0..<100 {
        good = await pinned.add() && good
        await Task.yield()
        good = loop.isCurrent && good
      }
      return good
    }
    #expect(await task.value)
  }

  /// Tasks of actors whose loop has ended can still end, one at a time.
  @Test func actorsOutliveTheLoop() async throws {
    let loop = Loop()
    let pinned = Pinned(loop)
    _ = await pinned.add()
    loop.shutdown()
    await loop.join()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<200 { _ = await pinned.add() } } }
    }
    #expect(await pinned.count == 1601)
  }

  /// What is posted within a tick runs in it; afterTick comes behind.
  @Test func tickOrder() async throws {
    let loop = Loop()
    defer { loop.shutdown() }
    let order = try await withCheckedThrowingContinuation { (done: CheckedContinuation<[String], any Error>) in
      loop.post {
        let seen = Order()
        let bound = LoopBound(seen, on: loop)
        loop.afterTick {
          seen.list.append("after")
          loop.post { done.resume(returning: bound.value.list) }
        }
        loop.post { bound.value.list.append("posted") }
        seen.list.append("first")
      }
    }
    #expect(order == ["first", "posted", "after"])
  }
  final class Order { var list: [String] = [] }
}
