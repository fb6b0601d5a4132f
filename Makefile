# Every door of the project. `make help` lists them; each is a script in Scripts/ that a person can run as well.

.DEFAULT_GOAL := help
.PHONY: help demo test matrix format lint bench test-peers test-sessions interop test-browser test-firefox test-fresh test-ngtcp2-1x test-asan test-tsan fuzz soak-sim

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Relay, clock and a subscriber of each dialect on this machine, DEMO_SECONDS=10 (0: until interrupted)
	@Scripts/demo

test: ## Build and run every test that needs this machine alone
	@Scripts/test

matrix: ## Every dialect's publisher to every dialect's subscriber, as a table
	@Scripts/matrix

format: ## Write every Swift source in the house's format
	@Scripts/format

lint: ## Check the format, and build with warnings as errors
	@Scripts/lint

bench: ## Benchmarks against their twins; BENCH="--check" fails beyond the allowed ratio
	@Scripts/bench $(BENCH)

test-peers: ## Foreign peers: moq-rs, moq-ffi and aioquic, raw QUIC and WebTransport, payloads compared byte for byte (downloads them from PyPI)
	@Scripts/test-peers

test-sessions: ## 1,000 WebTransport sessions opened and closed, three times over: every close arrives, the memory comes back
	@MOQ_SESSIONS=1000 TEST_SECONDS=600 Scripts/swift-test --filter WebTransportSharingTests

interop: ## The public interop runner's tests against our relay, in every dialect, over raw QUIC and WebTransport
	@Scripts/interop

test-browser: ## The relay's page in Chromium, against the tool over raw QUIC; screenshots under .scratch/browser
	@Scripts/test-browser

test-firefox: ## The same in Firefox, without screenshots
	@Scripts/test-browser firefox

test-fresh: ## Demo and test in a bare Debian 12 and 13 with only the Swift toolchain mounted (root, debootstrap)
	@Scripts/test-fresh

test-ngtcp2-1x: ## Build and loopback tests against ngtcp2 1.11, unpacked from bookworm-backports
	@Scripts/ngtcp2-1x

test-asan: ## Tests under the address sanitizer
	@Scripts/sanitize address

test-tsan: ## Tests under the thread sanitizer
	@Scripts/sanitize thread

fuzz: ## Every libFuzzer target for FUZZ_SECONDS=60 each, FUZZ_JOBS at a time (as many as processors)
	@Scripts/fuzz

soak-sim: ## The simulated session pairs over SOAK_SEEDS=100000 seeds
	@Scripts/soak-sim
