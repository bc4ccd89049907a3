# The toolchain line of go.mod counts only where GOTOOLCHAIN allows it.
export GOTOOLCHAIN ?= auto

.PHONY: build test race lint e2e fuzz bench demo schema clean

build:
	go build -trimpath -o dist/triage ./cmd/triage

test:
	go test ./...

race:
	go test -race -timeout 30m ./...

lint:
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go vet -tags e2e ./...
	go tool staticcheck ./...

# The programs that e2e tests need, from Debian's packages. Where they are there already nothing is done.
E2E_PACKAGES = prometheus nginx-light haproxy caddy wrk chromium fonts-dejavu-core
E2E_PROGRAMS = promtool nginx haproxy caddy wrk chromium

e2e: e2e-programs
	go test -tags e2e -run E2E ./...

e2e-programs:
	@missing=; for p in $(E2E_PROGRAMS); do command -v $$p >/dev/null 2>&1 || [ -x /usr/sbin/$$p ] || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing $(E2E_PACKAGES) for:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(E2E_PACKAGES); \
	fi
	@command -v h2spec >/dev/null 2>&1 || [ -x "$$(go env GOPATH)/bin/h2spec" ] || { cd / && go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible; }
.PHONY: e2e-programs

# The programs that `triage bench compare` and `bench cost` measure beside Triage, from Debian's packages. Traefik and Skipper are not among
# those: they are measured where they are installed.
peers:
	@missing=; for p in nginx haproxy caddy wrk; do command -v $$p >/dev/null 2>&1 || [ -x /usr/sbin/$$p ] || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$(echo $$missing | sed s/nginx/nginx-light/); \
	fi
.PHONY: peers

# Every peer in the seven episodes of the README: 112 runs of 15 s, about 34 minutes on a quiet machine. What was measured is kept in dist/compare.json
# after each run; after a break `make compare` goes on there, with the program that began. To measure anew, `make clean` first; one more round: ROUNDS=2.
COMPARE_EPISODES = step-x4 slow-to-a-third step-and-drop two-innocents checkout-fails retry-storm world-cup
COMPARE_PEERS = all
ROUNDS = 1

compare: peers
	@mkdir -p dist
	@test -f dist/compare.json || go build -buildvcs=auto -trimpath -o dist/triage-compare ./cmd/triage
	dist/triage-compare bench compare $(COMPARE_EPISODES) --peers $(COMPARE_PEERS) --rounds $(ROUNDS) --duration 15s --peak 800 --again 1 \
		--record dist/compare.json $$(test -f dist/compare.json && echo --continue)
	$(MAKE) compare-pages

# The small record that is committed, and what is made of it: the picture, the README's table and the page in docs/.
compare-pages:
	go run ./cmd/triage bench report dist/compare.json --small bench/results/compare.json
	go run ./cmd/triage bench report bench/results/compare.json --picture docs/compare.svg --into README.md --into docs/comparison.md
.PHONY: compare compare-pages

# What a request costs, every part in five rounds (of what grows three), cpu by wrk too: about half an hour. The record, its page and the README's table. In pieces:
# make cost COST_PARTS=cpu, then the next with the program that began, into the same record. To measure anew, `make clean` first.
COST_PARTS = cpu latency refusal connections routes clients bodies

cost: peers
	@mkdir -p dist
	@test -f dist/cost.json || go build -buildvcs=auto -trimpath -o dist/triage-cost ./cmd/triage
	for part in $(COST_PARTS); do dist/triage-cost bench cost --rounds 5 --with wrk --only $$part --write dist/cost || exit 1; done
	cp dist/cost.json dist/cost.md bench/results/
	$(MAKE) cost-pages

cost-pages:
	go run ./cmd/triage bench report bench/results/cost.json --into README.md

# The harness's own error: the same measured twice, and what differs, into bench/results/same-twice.txt. Four and a half minutes.
same-twice:
	@mkdir -p dist
	rm -f dist/same-1.json dist/same-2.json
	go build -buildvcs=auto -trimpath -o dist/triage-same ./cmd/triage
	for n in 1 2; do dist/triage-same bench compare step-x4 slow-to-a-third --peers triage --rounds 4 --duration 15s --peak 800 --again 1 \
		--record dist/same-$$n.json || exit 1; done
	dist/triage-same bench diff dist/same-1.json dist/same-2.json > dist/same-twice.txt
	cp dist/same-twice.txt bench/results/
.PHONY: cost cost-pages same-twice

# A minute for each fuzz target, about twenty in all, FUZZ_JOBS at once. FUZZ says which: a pattern for "./folder Target". CI takes those of the wire.
FUZZ_TIME ?= 60s
FUZZ ?= .
FUZZ_JOBS ?= 1
FUZZ_WORKERS ?= 2
fuzz:
	@grep -ro --include=*_test.go '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func | |' | grep -E '$(FUZZ)' | sort | xargs -P $(FUZZ_JOBS) -n 2 bash -o pipefail -c \
		'go test -run xxx -fuzz "^$$1\$$" -fuzztime $(FUZZ_TIME) -fuzzminimizetime 2s -parallel $(FUZZ_WORKERS) "$$0" 2>&1 | sed "s|^|$$1 in $$0: |"'

bench:
	go test -run xxx -bench . -benchmem -count 10 ./...

# The stages of a request's way (bench/micro.txt), ten runs against the committed baseline; bench-baseline writes that anew.
bench-compare:
	mkdir -p dist
	.ci/micro run 10 20ms > dist/micro.txt
	.ci/micro compare bench/results/micro-baseline.txt dist/micro.txt

bench-baseline:
	.ci/micro run 10 20ms > bench/results/micro-baseline.txt
.PHONY: bench-compare bench-baseline

demo:
	go run ./cmd/triage demo

schema:
	go run ./cmd/triage schema > docs/triage.schema.json

clean:
	rm -rf dist
