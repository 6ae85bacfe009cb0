package dedupe

import (
	"slices"

	"github.com/leadloop/leadloop"
)

// Match is one link between two records, with its rule.
type Match struct {
	// One of these names the record that was matched; all are empty for a comparison by hand.
	Lead        leadloop.LeadID        `json:"lead,omitempty"`
	Contact     leadloop.ContactID     `json:"contact,omitempty"`
	Account     leadloop.AccountID     `json:"account,omitempty"`
	Opportunity leadloop.OpportunityID `json:"opportunity,omitempty"`
	// Rule is a reason code: one of the Rule constants.
	Rule string `json:"rule"`
	// Confidence in [0, 1] ranks the rules against each other and against the two thresholds; it is no probability. 0 is no link.
	Confidence float64 `json:"confidence"`
	// Reason is a sentence for people. It names what agreed or disagreed, never a value.
	Reason string `json:"reason"`
}

// The rules of the ladder for people, from its top. Each holds only if none above it does; what blocks stands among them in its place.
const (
	RuleEmail     = "email"     // the same address: 1.00; possible if LinkedIn pages differ
	RuleLinkedIn  = "linkedin"  // the same LinkedIn page: 1.00; possible if names and mailboxes at one company differ
	RuleColleague = "colleague" // other names, other mailboxes or one switchboard, one company: no link
	// RuleEmailBase: addresses that differ by +sub-address only. Sub-addresses are a custom of the receiving server, not a rule of e-mail, so
	// that names must agree for a match; else possible.
	RuleEmailBase         = "email_base"
	RuleDifferentLinkedIn = "different_linkedin" // two LinkedIn pages and neither address in common: no link
	RulePhone             = "phone"              // the same number and last name: 1.00; other or unknown names: possible
	RuleDomainPerson      = "domain_person"      // the same name at the same corporate domain: 0.95; with two addresses: possible
	RuleCompanyPerson     = "company_person"     // the same name, company name and country: 0.95; without the country or with two domains: possible
	RuleNone              = "none"
)

// The rules for accounts and opportunities.
const (
	RuleDomain      = "domain"       // a corporate domain of the account: 1.00
	RuleCompany     = "company"      // the same company name: 0.95; with another domain or country: possible
	RuleCompanyLike = "company_like" // a close company name, or a part of it, and one thing that supports it: 0.95; without: possible at most
	RuleOpportunity = "opportunity"  // an open opportunity of the matched account
	RuleContactOpp  = "contact_deal" // an open opportunity of the matched contact
)

// The default thresholds: at Match and above two records are one, from Possible up to it a human is asked.
const (
	DefaultMatch    = 0.95
	DefaultPossible = 0.80
)

func none(rule, reason string) Match { return Match{Rule: rule, Reason: reason} }

// Compare compares two people by the ladder. It is symmetric.
func Compare(a, b Person) Match {
	names := compareNames(a, b)
	otherPages := disagree(a.linkedIns(), b.linkedIns())
	sameCompany := share(a.domains(), b.domains()) || share(a.companies(), b.companies())
	otherMailboxes := otherMailboxes(a, b)
	switch {
	case share(a.emails(), b.emails()):
		if otherPages {
			return Match{Rule: RuleEmail, Confidence: 0.90, Reason: "same e-mail address, but different LinkedIn pages"}
		}
		return Match{Rule: RuleEmail, Confidence: 1, Reason: "same e-mail address"}
	case share(a.linkedIns(), b.linkedIns()):
		if names == nameDiffers && otherMailboxes {
			return Match{Rule: RuleLinkedIn, Confidence: 0.80, Reason: "same LinkedIn page, but different names and mailboxes at one company"}
		}
		return Match{Rule: RuleLinkedIn, Confidence: 1, Reason: "same LinkedIn page"}
	case names == nameDiffers && otherMailboxes && !share(a.bases(), b.bases()):
		return none(RuleColleague, "different names and mailboxes at one company: colleagues")
	case share(a.bases(), b.bases()):
		if names >= nameVariant && !otherPages {
			return Match{Rule: RuleEmailBase, Confidence: 0.97, Reason: "same mailbox but for the sub-address, and the same name"}
		}
		return Match{Rule: RuleEmailBase, Confidence: 0.85, Reason: "same mailbox but for the sub-address; the names don't confirm it"}
	case otherPages:
		return none(RuleDifferentLinkedIn, "different LinkedIn pages: two people")
	case share(a.phones(), b.phones()):
		switch {
		case names >= nameLast && names < nameSame && otherMailboxes:
			return Match{Rule: RulePhone, Confidence: 0.85, Reason: "same phone number and last name, but different mailboxes at one company"}
		case names >= nameLast:
			return Match{Rule: RulePhone, Confidence: 1, Reason: "same phone number and last name"}
		case names == nameUnknown && otherMailboxes:
			return none(RuleColleague, "one phone number, different mailboxes at one company: its switchboard")
		case names == nameUnknown:
			return Match{Rule: RulePhone, Confidence: 0.80, Reason: "same phone number; a name is missing"}
		case sameCompany:
			return none(RuleColleague, "one phone number, different names, one company: its switchboard")
		}
		return Match{Rule: RulePhone, Confidence: 0.80, Reason: "same phone number, different names"}
	case names >= nameVariant:
		a, b := a.uncommon(), b.uncommon()
		if names = compareNames(a, b); names < nameVariant {
			return none(RuleNone, "a name that many at the company have")
		}
		return compareNamesakes(a, b, names, otherMailboxes)
	}
	return none(RuleNone, "nothing in common that tells people apart")
}

// compareNamesakes compares two people of the same name who share neither address nor page nor number.
func compareNamesakes(a, b Person, names nameLevel, otherMailboxes bool) Match {
	twoAddresses := otherMailboxes || a.freeOnly() && b.freeOnly() && disagree(a.emails(), b.emails())
	sameDomain, sameName := share(a.domains(), b.domains()), share(a.companies(), b.companies())
	rule := RuleDomainPerson
	if !sameDomain {
		rule = RuleCompanyPerson
	}
	possible := func(confidence float64, reason string) Match {
		return Match{Rule: rule, Confidence: confidence, Reason: reason}
	}
	switch {
	case !sameDomain && !sameName:
		return none(RuleNone, "the same name alone: namesakes")
	case names != nameSame && twoAddresses:
		return possible(0.80, "similar name at one company, but different e-mail addresses")
	case names != nameSame:
		return possible(0.85, "similar name (nickname, initial or transposed) at one company")
	case twoAddresses:
		return possible(0.90, "same name at one company, but different e-mail addresses")
	case sameDomain:
		return possible(0.95, "same name and corporate domain")
	case disagree(a.domains(), b.domains()):
		return possible(0.85, "same name and company name, but different corporate domains")
	case share(a.countries(), b.countries()):
		return possible(0.95, "same name, company name and country")
	case disagree(a.countries(), b.countries()):
		return possible(0.80, "same name and company name, but different countries")
	}
	return possible(0.85, "same name and company name; the country is not known of both")
}

// otherMailboxes holds if both have personal addresses at one corporate domain and none of them in common.
func otherMailboxes(a, b Person) bool {
	return slices.ContainsFunc(a.domains(), func(d string) bool { return disagree(a.atDomain(d), b.atDomain(d)) })
}
