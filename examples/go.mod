module github.com/leadloop/leadloop/examples

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/leadloop/leadloop v0.0.0
)

require (
	github.com/nyaruka/phonenumbers v1.8.1 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
