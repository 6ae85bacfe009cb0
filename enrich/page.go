package enrich

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/leadloop/leadloop"
)

// page is what a home page tells about a company.
type page struct {
	title, description, language string
	social                       map[string]string // by fact
	technologies                 []string
}

// marks tell technologies by a part of the address of a script, style sheet or
// image, of the page's generator, or of a header's "name: value"; all in lower
// case.
var marks = []struct{ mark, technology string }{
	{"/wp-content/", "wordpress"}, {"wordpress", "wordpress"}, {"cdn.shopify.com", "shopify"}, {"typo3", "typo3"}, {"drupal", "drupal"}, {"joomla", "joomla"},
	{"website-files.com", "webflow"}, {"webflow", "webflow"}, {"squarespace", "squarespace"}, {"static.wixstatic.com", "wix"}, {"wix.com", "wix"},
	{"/_next/", "next.js"}, {"/_nuxt/", "nuxt"}, {"gatsby", "gatsby"}, {"hugo ", "hugo"},
	{"googletagmanager.com", "google_tag_manager"}, {"google-analytics.com", "google_analytics"}, {"cdn.segment.com", "segment"}, {"static.hotjar.com", "hotjar"},
	{"cdn.mxpnl.com", "mixpanel"}, {"cdn.amplitude.com", "amplitude"}, {"cdn.optimizely.com", "optimizely"}, {"plausible.io", "plausible"}, {"matomo", "matomo"},
	{"js.hs-scripts.com", "hubspot"}, {"js.hsforms.net", "hubspot"}, {"munchkin.marketo.net", "marketo"}, {"pi.pardot.com", "pardot"}, {"snap.licdn.com", "linkedin_insight"},
	{"widget.intercom.io", "intercom"}, {"js.driftt.com", "drift"}, {"static.zdassets.com", "zendesk"}, {"embed.tawk.to", "tawk"}, {"js.stripe.com", "stripe"},
	{"cdn.cookielaw.org", "onetrust"}, {"consent.cookiebot.com", "cookiebot"},
	{"server: cloudflare", "cloudflare"}, {"server: nginx", "nginx"}, {"server: apache", "apache"}, {"server: microsoft-iis", "iis"},
	{"x-powered-by: php", "php"}, {"x-powered-by: asp.net", "asp.net"}, {"x-powered-by: express", "express"}, {"x-vercel-id: ", "vercel"}, {"x-amz-cf-id: ", "cloudfront"},
}

// networks tell profiles by host.
var networks = map[string]string{
	"linkedin.com": FactLinkedIn, "github.com": FactGitHub, "x.com": FactX, "twitter.com": FactX, "facebook.com": FactFacebook,
	"instagram.com": FactInstagram, "youtube.com": FactYouTube,
}

// readPage reads what it can of a page; broken HTML is read as browsers do.
func readPage(r io.Reader, header http.Header) page {
	p := page{social: map[string]string{}}
	for _, name := range sortedKeys(header) {
		for _, v := range header[name] {
			p.see(strings.ToLower(name) + ": " + v)
		}
	}
	z := html.NewTokenizer(r)
	inTitle := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			slices.Sort(p.technologies)
			p.title, p.description = strings.Join(strings.Fields(p.title), " "), strings.Join(strings.Fields(p.description), " ")
			return p
		case html.TextToken:
			if inTitle && len(p.title) < maxText {
				p.title += string(z.Text())
			}
		case html.EndTagToken:
			inTitle = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag, attrs := string(name), map[string]string{}
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				attrs[string(k)] = string(v)
			}
			// Pictures have titles too.
			inTitle = tag == "title" && p.title == ""
			p.element(tag, attrs)
		}
	}
}

func (p *page) element(tag string, attrs map[string]string) {
	switch tag {
	case "html":
		p.language = strings.TrimSpace(attrs["lang"])
	case "meta":
		name := strings.ToLower(attrs["name"] + attrs["property"])
		switch {
		case name == "description", name == "og:description" && p.description == "":
			p.description = attrs["content"]
		case name == "generator":
			p.see(attrs["content"] + " ")
		}
	case "script", "img":
		p.see(attrs["src"])
	case "link":
		p.see(attrs["href"])
	case "a":
		p.profile(attrs["href"])
	}
}

func (p *page) see(text string) {
	text = strings.ToLower(text)
	for _, m := range marks {
		if strings.Contains(text, m.mark) && !slices.Contains(p.technologies, m.technology) {
			p.technologies = append(p.technologies, m.technology)
		}
	}
}

// profile notes a link to a profile: of each network the first that is no link
// to share something.
func (p *page) profile(href string) {
	u, err := url.Parse(href)
	if err != nil || len(href) > maxText || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	fact, ok := networks[host]
	path := strings.Trim(u.Path, "/")
	first, _, _ := strings.Cut(path, "/")
	if !ok || path == "" || p.social[fact] != "" || slices.Contains([]string{"share", "sharer", "sharer.php", "shareArticle", "intent", "watch", "hashtag", "home"}, first) {
		return
	}
	p.social[fact] = "https://" + host + "/" + path
}

func (p *page) fact(name string) leadloop.Value {
	switch name {
	case FactTitle:
		return leadloop.ValueOf(p.title)
	case FactDescription:
		return leadloop.ValueOf(p.description)
	case FactLanguage:
		return leadloop.ValueOf(p.language)
	case FactTechnologies:
		return leadloop.ValueOf(p.technologies)
	case FactSocial:
		var all []string
		for _, f := range sortedKeys(p.social) {
			all = append(all, p.social[f])
		}
		return leadloop.ValueOf(all)
	}
	return leadloop.ValueOf(p.social[name])
}
