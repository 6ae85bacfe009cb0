package normalize

import "strings"

// Values of [Source] and [Medium] with a meaning of their own. An empty result is a third thing: nothing was sent.
const (
	Direct  = "direct"  // the visitor is known to have come by himself: "(direct)", "direct", a medium of "(none)"
	Unknown = "unknown" // something was sent that says it is not known: "(not set)", "unknown", "null", "N/A"
)

// Source returns a lead source in canonical form: lower case, words joined by hyphens, synonyms and referring hosts mapped to one name ("AdWords"
// and "Google Ads" give "google-ads", "l.facebook.com" gives "facebook"). Of the pair form "google / cpc" it takes the first half.
//
// Three results are kept apart, because they answer three questions: "" (nobody sent a source), [Unknown] (a tool sent that it does not know) and
// [Direct]. A source that is in no table is returned as it is, cleaned.
func Source(s string) string {
	if before, _, ok := strings.Cut(s, " / "); ok {
		s = before
	}
	return settle(s, func(s string) string { return channel(sourceHost(s), sourceNames, Unknown) })
}

// Medium returns a marketing medium in canonical form, like [Source]: "PPC" and "paid search" give "cpc", "e-mail" gives "email". Of the pair
// form "google / cpc" it takes the second half. "(none)", which analytics tools send for direct visits, is [Direct].
func Medium(s string) string {
	if _, after, ok := strings.Cut(s, " / "); ok {
		s = after
	}
	return settle(s, func(s string) string { return channel(s, mediumNames, Direct) })
}

// channel slugs s and maps it; none is what the word "none" means.
func channel(s string, names map[string]string, none string) string {
	s = Text(s)
	if s == "" {
		return ""
	}
	slug := slugOf(s)
	switch key := strings.ReplaceAll(slug, "-", ""); {
	case key == "none":
		return none
	case key == "direct" || key == "directtraffic" || key == "typein" || key == "directnone":
		return Direct
	case key == "" || nullWords[key]:
		return Unknown
	default:
		if name, ok := names[key]; ok {
			return name
		}
	}
	return slug
}

// slugOf lower-cases s and puts one hyphen for every run of other characters than letters, digits and full stops.
func slugOf(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range Fold(s) {
		if !isWordRune(r) && r != '.' {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), ".-")
}

// sourceHost reduces a referring URL or host to the name of its site, and leaves everything else alone.
func sourceHost(s string) string {
	if !strings.Contains(s, ".") || strings.ContainsAny(s, " @") {
		return s
	}
	domain, err := Domain(s)
	if err != nil {
		return s
	}
	if name, ok := sourceSites[domain]; ok {
		return name
	}
	if label, _, _ := strings.Cut(domain, "."); searchSites[label] {
		return label
	}
	return domain
}

var searchSites = wordSet("google bing yahoo yandex baidu ecosia")

var sourceSites = map[string]string{
	"facebook.com": "facebook", "fb.com": "facebook", "fb.me": "facebook", "instagram.com": "instagram", "linkedin.com": "linkedin",
	"lnkd.in": "linkedin", "twitter.com": "twitter", "x.com": "twitter", "t.co": "twitter", "youtube.com": "youtube", "youtu.be": "youtube",
	"reddit.com": "reddit", "duckduckgo.com": "duckduckgo", "chatgpt.com": "chatgpt", "openai.com": "chatgpt", "perplexity.ai": "perplexity",
	"github.com": "github", "g2.com": "g2", "capterra.com": "capterra", "producthunt.com": "product-hunt", "ycombinator.com": "hacker-news",
	"xing.com": "xing", "tiktok.com": "tiktok", "pinterest.com": "pinterest",
}

// sourceNames and mediumNames map keys without hyphens to canonical names. Every canonical name maps to itself or to nothing.
var sourceNames = map[string]string{
	"adwords": "google-ads", "googleadwords": "google-ads", "googleads": "google-ads", "gads": "google-ads", "googleadword": "google-ads",
	"googleppc": "google-ads", "googlecpc": "google-ads", "bingads": "microsoft-ads", "microsoftads": "microsoft-ads", "microsoftadvertising": "microsoft-ads",
	"fb": "facebook", "facebookcom": "facebook", "fbads": "facebook-ads", "facebookads": "facebook-ads", "metaads": "facebook-ads", "ig": "instagram",
	"insta": "instagram", "li": "linkedin", "linkedin": "linkedin", "linkedinads": "linkedin-ads", "x": "twitter", "xtwitter": "twitter", "yt": "youtube",
	"web": "website", "website": "website", "webform": "website", "homepage": "website", "internet": "website", "organic": "organic-search",
	"organicsearch": "organic-search", "seo": "organic-search", "tradeshow": "event", "tradefair": "event", "messe": "event", "event": "event",
	"events": "event", "conference": "event", "wordofmouth": "referral", "referral": "referral", "referrals": "referral", "empfehlung": "referral",
	"partner": "partner", "partners": "partner", "coldcall": "outbound", "coldcalling": "outbound", "coldemail": "outbound", "outbound": "outbound",
	"newsletter": "newsletter", "enewsletter": "newsletter", "email": "email", "phone": "phone", "telephone": "phone", "phonecall": "phone",
	"inboundcall": "phone", "hubspot": "hubspot", "producthunt": "product-hunt", "hackernews": "hacker-news",
}

var mediumNames = map[string]string{
	"cpc": "cpc", "ppc": "cpc", "paidsearch": "cpc", "sem": "cpc", "adwords": "cpc", "payperclick": "cpc", "paid": "cpc", "searchads": "cpc",
	"email": "email", "mail": "email", "emailing": "email", "newsletter": "email", "enewsletter": "email", "edm": "email",
	"social": "social", "socialmedia": "social", "socialnetwork": "social", "sm": "social", "organicsocial": "social", "socialorganic": "social",
	"paidsocial": "paid-social", "socialpaid": "paid-social", "cpcsocial": "paid-social", "socialcpc": "paid-social", "socialads": "paid-social",
	"organic": "organic", "seo": "organic", "organicsearch": "organic", "naturalsearch": "organic", "referral": "referral", "ref": "referral",
	"referer": "referral", "referrer": "referral", "link": "referral", "display": "display", "banner": "display", "banners": "display", "cpm": "display",
	"gdn": "display", "programmatic": "display", "affiliate": "affiliate", "affiliates": "affiliate", "event": "event", "events": "event",
	"tradeshow": "event", "conference": "event", "webinar": "webinar", "webinars": "webinar", "phone": "phone", "call": "phone", "telephone": "phone",
	"inboundcall": "phone", "video": "video", "sms": "sms", "text": "sms", "print": "print", "offline": "offline", "qr": "qr", "qrcode": "qr",
	"retargeting": "retargeting", "remarketing": "retargeting", "push": "push", "pushnotification": "push",
}
