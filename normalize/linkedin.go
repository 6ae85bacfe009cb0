package normalize

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// LinkedInURL returns the canonical address of a LinkedIn person ("in"), company, school or showcase page:
// "https://www.linkedin.com/in/jane-doe". Scheme, country sub-domain, query, trailing parts (locale, "/about") and letter case do not matter;
// "in/jane-doe" alone is understood. Short links, sales-navigator and old "/pub/" addresses are refused, as they do not name a page for good.
//
// The error is an [*Error] of kind "linkedin url".
func LinkedInURL(s string) (string, error) {
	const kind = "linkedin url"
	s = Text(s)
	if s == "" {
		return "", refuse(kind, ReasonEmpty)
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	s = strings.TrimLeft(s, "/")
	head, path, _ := strings.Cut(s, "/")
	head = strings.ToLower(head)
	if head == "linkedin.com" || strings.HasSuffix(head, ".linkedin.com") {
		head, path, _ = strings.Cut(path, "/")
		head = strings.ToLower(head)
	}
	switch head {
	case "in", "company", "school", "showcase":
	default:
		return "", refuse(kind, ReasonNotLinkedIn)
	}
	slug, _, _ := strings.Cut(path, "/")
	slug, ok := linkedInSlug(slug)
	if !ok {
		return "", refuse(kind, ReasonSyntax)
	}
	if len(slug) > 300 {
		return "", refuse(kind, ReasonTooLong)
	}
	return "https://www.linkedin.com/" + head + "/" + slug, nil
}

func linkedInSlug(slug string) (string, bool) {
	slug, err := url.PathUnescape(slug)
	if err != nil {
		return "", false
	}
	slug = settle(slug, func(s string) string { return norm.NFC.String(strings.ToLower(Text(s))) })
	if slug == "" {
		return "", false
	}
	for _, r := range slug {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) && !strings.ContainsRune("-_.&'", r) && r < 0x2000 {
			return "", false
		}
	}
	return url.PathEscape(slug), true
}
