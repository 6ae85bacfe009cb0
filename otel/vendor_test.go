package otel_test

import (
	"context"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/enrich"
)

// vendor knows every company.
func vendor() map[string]enrich.Provider {
	return map[string]enrich.Provider{"vendor": enrich.ProviderFunc(func(context.Context, enrich.Query) (enrich.Answer, error) {
		return enrich.Answer{Matched: true, Facts: []enrich.Fact{{Field: "company.employees", Value: leadloop.ValueOf(int64(800))}}}, nil
	})}
}
