package backfill

import (
	"slices"
	"strings"
	"unicode"
)

// synonyms are names of columns as CRMs write them, in the form that key
// leaves of them; of two columns that fit, the one whose name comes first here
// is taken.
var synonyms = []struct {
	role  string
	names []string
}{
	{RoleLead, []string{"lead", "leadid", "prospectid", "opportunityid", "dealid", "recordid", "contactid", "oppid", "id"}},
	{RoleOpportunity, []string{"opportunity", "opportunityid", "dealid", "deal", "oppid"}},
	{RoleEvent, []string{"event", "eventtype", "eventname", "action", "activitytype", "activity", "kind", "type"}},
	{RoleAt, []string{"at", "eventat", "eventdate", "eventtime", "occurredat", "happenedat", "changedat", "timestamp", "datetime", "time", "date"}},
	{RoleCreated, []string{"created", "createdat", "createddate", "createdate", "createdon", "datecreated", "receivedat", "opened", "openedat", "opendate", "engagedate", "startdate", "start"}},
	{RoleClosed, []string{"closed", "closedat", "closedate", "closeddate", "dateclosed", "enddate", "end"}},
	{RoleStage, []string{"stage", "stagename", "dealstage", "opportunitystage", "leadstage", "lifecyclestage", "pipelinestage", "tostage", "newstage"}},
	{RoleStatus, []string{"status", "leadstatus", "newstatus"}},
	{RoleOutcome, []string{"outcome", "result", "won", "iswon"}},
	{RoleOwner, []string{"owner", "ownerid", "ownername", "leadowner", "opportunityowner", "dealowner", "salesagent", "salesrep", "agent", "rep", "assignedto", "accountexecutive"}},
	{RoleActor, []string{"actor", "user", "by", "changedby", "createdby", "performedby"}},
	{RoleSource, []string{"source", "leadsource", "utmsource", "originalsource"}},
	{RoleMedium, []string{"medium", "utmmedium"}},
	{RoleCampaign, []string{"campaign", "utmcampaign", "campaignname"}},
	{RoleChannel, []string{"channel", "touchpoint"}},
	{RoleTier, []string{"tier", "grade", "leadgrade", "rating"}},
	{RoleAmount, []string{"amount", "closevalue", "dealvalue", "dealamount", "opportunityamount", "value", "revenue"}},
	{RoleReason, []string{"reason", "lossreason", "lostreason", "closedlostreason", "reasoncode", "reasonlost"}},
	{"attr:product", []string{"product", "productname"}},
}

// key strips what differs between spellings of one name.
func key(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// guess says what each column holds: what was said, else what its name means.
// No role is guessed twice.
func guess(header []string, said map[string]string) []Column {
	out := make([]Column, len(header))
	taken := map[string]bool{}
	for i, name := range header {
		out[i] = Column{Name: name, Holds: said[name]}
		taken[said[name]] = true
	}
	for _, s := range synonyms {
		if taken[s.role] {
			continue
		}
	next:
		for _, n := range s.names {
			for i := range out {
				c := &out[i]
				if c.Holds == "" && said[c.Name] == "" && key(c.Name) == n {
					c.Holds, c.Guessed = s.role, true
					break next
				}
			}
		}
	}
	// Where rows say when the lead arrived, a column such as "date" is no event.
	at := slices.IndexFunc(out, func(c Column) bool { return c.Holds == RoleAt && c.Guessed })
	if at >= 0 && slices.ContainsFunc(out, func(c Column) bool { return c.Holds == RoleCreated }) {
		event := slices.ContainsFunc(out, func(c Column) bool { return c.Holds == RoleEvent })
		if !event {
			out[at].Holds, out[at].Guessed = "", false
		} else if i := slices.IndexFunc(out, func(c Column) bool { return c.Holds == RoleCreated && c.Guessed }); i >= 0 {
			out[i].Holds, out[i].Guessed = "", false
		}
	}
	return out
}
