package routing

import (
	"time"

	"github.com/leadloop/leadloop"
)

// Territory says who sells to some leads: those for which all conditions that
// are given hold. What it gives them to is at most one of Rep, Pool and Queue;
// none makes it a name for conditions, which entries use.
type Territory struct {
	ID        string   `yaml:"id,required"`
	Country   []string `yaml:"country"` // lead.country
	Region    []string `yaml:"region"`  // state or province
	Postcode  []string `yaml:"postcode"`
	Industry  []string `yaml:"industry"`
	Employees *Range   `yaml:"employees"`
	// Accounts are named accounts by their registrable domains, AccountsFile a
	// CSV file with more of them: see [Options.Files].
	Accounts     []string `yaml:"accounts"`
	AccountsFile string   `yaml:"accounts_file"`
	// Priority decides between the territories of a lead, highest first; two
	// of the same that name different targets are a dispute.
	Priority int               `yaml:"priority"`
	Rep      leadloop.RepID    `yaml:"rep"`
	Pool     string            `yaml:"pool"`
	Queue    string            `yaml:"queue"`
	At       leadloop.Position `yaml:"-"`
}

// Entry is one rule of the chain: for which leads, and to whom. All conditions
// that are given must hold; an entry without any matches every lead.
type Entry struct {
	ID string `yaml:"id,required"`
	// When is a CEL condition over the schema's fields and [Vars].
	When leadloop.Expression `yaml:"when"`
	// The lists hold if the lead's golden value is one of them, exactly as it
	// is normalised.
	Source    []string `yaml:"source"`
	Partner   []string `yaml:"partner"`
	Country   []string `yaml:"country"` // lead.country
	Region    []string `yaml:"region"`
	Industry  []string `yaml:"industry"`
	Product   []string `yaml:"product"` // lead.product_interest
	Language  []string `yaml:"language"`
	Seniority []string `yaml:"seniority"` // lead.seniority
	Tier      []string `yaml:"tier"`
	Employees *Range   `yaml:"employees"`
	// Postcode holds if the field lead.postcode, which a host declares, is one
	// of these: "SW1A 1AA", all that begin as in "SW1*", or a range of digits
	// as in "80000-81929". Blanks, hyphens and case make no difference.
	Postcode []string `yaml:"postcode"`
	// Accounts holds if company.domain is one of these or in the file: see
	// [Options.Files].
	Accounts     []string `yaml:"accounts"`
	AccountsFile string   `yaml:"accounts_file"`
	// Territory holds if the lead is in one of these territories.
	Territory []string `yaml:"territory"`

	Target Target            `yaml:"target,required"`
	At     leadloop.Position `yaml:"-"`
}

// Range is a range of whole numbers with both ends included; nil is open.
type Range struct {
	Min *int64 `yaml:"min"`
	Max *int64 `yaml:"max"`
}

// What a target can refer to in OwnerOf and Alert.
const (
	OfAccount     = "account"
	OfContact     = "contact"
	OfOpportunity = "opportunity"
	OfPrevious    = "previous" // who owned the lead before this decision
	// OfTerritory is whom the lead's territory names, a rep, pool or queue.
	OfTerritory = "territory"
	// OfNamedAccount is the owner in the entry's accounts file.
	OfNamedAccount = "named_account"
	// OfDomain is who last got another lead of the same company domain.
	OfDomain = "domain"
)

// Target is to whom an entry gives a lead: exactly one of OwnerOf, Owners,
// Rep, Pool, Queue, Nurture and Alert.
type Target struct {
	OwnerOf string `yaml:"owner_of"`
	// Owners are several of what OwnerOf takes, in order of precedence: the
	// first whose owner can take the lead has it.
	Owners []string `yaml:"owners"`
	// Agree makes it a dispute if Owners name different people: no precedence
	// is meant, and a manager decides.
	Agree bool `yaml:"agree"`
	// Within is how long ago the assignment may be that OfDomain goes back to;
	// 0 means 180 days.
	Within time.Duration `yaml:"within"`

	Rep   leadloop.RepID `yaml:"rep"`
	Pool  string         `yaml:"pool"`
	Queue string         `yaml:"queue"`
	// Nurture names the track that works the lead; no rep does.
	Nurture string `yaml:"nurture"`
	// Alert tells an owner about the lead and assigns it to nobody.
	Alert string `yaml:"alert"`

	// Skills are needed of a pool's member, all of them.
	Skills []string `yaml:"skills"`
	// Speaks takes only members of a pool who speak the lead's language; while
	// the language is not known, all.
	Speaks bool `yaml:"speaks"`
	// Sells takes only members whose products have the one that the lead is
	// interested in; while it is not known, all.
	Sells bool `yaml:"sells"`
	// Seniority takes only members of one of these.
	Seniority []string `yaml:"seniority"`
	// ZoneWithin takes only members whose clock is at most this far from the
	// lead's (lead.timezone) at the moment; while that is not known, all. 0
	// takes all.
	ZoneWithin time.Duration     `yaml:"zone_within"`
	At         leadloop.Position `yaml:"-"`
}
