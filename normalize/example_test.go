package normalize_test

import (
	"fmt"

	"github.com/leadloop/leadloop/normalize"
)

func Example() {
	email, err := normalize.Email(" Jane.Doe+trial@ACME.co.uk ")
	if err != nil {
		fmt.Println(err)
		return
	}
	domain, err := normalize.Domain(email.Address)
	if err != nil {
		fmt.Println(err)
		return
	}
	title := normalize.Title("VP Sales, EMEA")
	fmt.Println(email.Address, email.Base, email.IsCorporate())
	fmt.Println(domain)
	fmt.Println(normalize.Company("Acme Widgets Ltd.").Key)
	fmt.Println(title.Seniority, title.Department)
	// Output:
	// jane.doe+trial@acme.co.uk jane.doe@acme.co.uk true
	// acme.co.uk
	// acme widgets
	// vp sales
}

func ExampleEmail() {
	for _, s := range []string{"Jane@Bücher.de", "Jane Doe <jane@acme.com>", "jane@localhost"} {
		e, err := normalize.Email(s)
		fmt.Println(e, err)
	}
	// Output:
	// jane@xn--bcher-kva.de <nil>
	//  normalize: email has a display name beside the address
	//  normalize: email has no public domain
}

func ExamplePhone() {
	p, err := normalize.Phone("Tel. 030/901820 or 040/428280", "Germany")
	fmt.Println(p.E164, p.Region, err)
	p, err = normalize.Phone("(415) 555-2671 x12", "US")
	fmt.Println(p, err)
	// Output:
	// +4930901820 DE <nil>
	// +14155552671;ext=12 <nil>
}

func ExampleDomain() {
	for _, s := range []string{"https://www.shop.acme.co.uk/a?b", "jane@us.ibm.com", "acme.github.io"} {
		d, err := normalize.Domain(s)
		fmt.Println(d, err)
	}
	// Output:
	// acme.co.uk <nil>
	// ibm.com <nil>
	// acme.github.io <nil>
}

func ExampleCompany() {
	for _, s := range []string{"The Müller & Söhne GmbH & Co. KG", "株式会社日立製作所", "Limited"} {
		c := normalize.Company(s)
		fmt.Printf("%s | %s | %s\n", c.Name, c.LegalForm, c.Key)
	}
	// Output:
	// The Müller & Söhne | GmbH & Co. KG | muller and sohne
	// 日立製作所 | 株式会社 | 日立製作所
	// Limited |  | limited
}

func ExampleFullName() {
	n := normalize.FullName("VAN DER BERG, DR. JANE Q., PHD")
	fmt.Printf("%s | %s | %s | %s\n", n.First, n.Middle, n.Last, n.Suffix)
	// Output: Jane | Q. | van der Berg | PhD
}

func ExampleNameKey() {
	fmt.Println(normalize.NameKey("Dr. O’Brien, Seán"), normalize.NameKey("SEAN O'BRIEN") == normalize.NameKey("Seán OBrien"))
	// Output: sean obrien true
}

func ExampleSameGivenName() {
	fmt.Println(normalize.SameGivenName("Bill", "William"), normalize.SameGivenName("Bob", "Rob"), normalize.SameGivenName("Alan", "Albert"))
	// Output: true true false
}

func ExampleTitle() {
	for _, s := range []string{"Senior Vice President, Sales", "Assistant to the CEO", "Geschäftsführerin", "Jefe de ventas"} {
		t := normalize.Title(s)
		fmt.Println(t.Seniority, t.Department)
	}
	// Output:
	// vp sales
	// entry administration
	// c_level executive
	// manager sales
}

func ExampleTimezone() {
	fmt.Println(normalize.Timezone("Deutschland", ""))
	fmt.Println(normalize.Timezone("US", "California"))
	fmt.Println(normalize.Timezone("US", ""))
	// Output:
	// Europe/Berlin true
	// America/Los_Angeles true
	//  false
}

func ExampleSource() {
	for _, s := range []string{"Google AdWords", "(direct)", "(not set)", ""} {
		fmt.Printf("%q\n", normalize.Source(s))
	}
	// Output:
	// "google-ads"
	// "direct"
	// "unknown"
	// ""
}

func ExampleLinkedInURL() {
	fmt.Println(normalize.LinkedInURL("http://de.linkedin.com/in/Jane-Doe/?trk=profile"))
	// Output: https://www.linkedin.com/in/jane-doe <nil>
}

func ExampleIsPlaceholder() {
	fmt.Println(normalize.IsPlaceholder("0000000"), normalize.IsPlaceholder("info@acme.com"), normalize.IsPlaceholder("jane@acme.com"))
	// Output: true true false
}
