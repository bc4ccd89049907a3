# Build: docker build -t triage .   Run: docker run --read-only -v $PWD/triage.yaml:/etc/triage/triage.yaml triage
FROM golang:1.27.3 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /triage ./cmd/triage

# scratch has no shell, no package manager and nothing that is not listed here.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /triage /triage
USER 65532:65532
EXPOSE 8080
ENV TRIAGE_CONFIG=/etc/triage/triage.yaml
# status asks the admin API and exits 1 when nobody answers: no shell, no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/triage", "status", "--output", "json"]
ENTRYPOINT ["/triage"]
CMD ["run"]
