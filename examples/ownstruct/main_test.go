package main

func Example() {
	main()
	// Output:
	// signup:4711
	//   lead.email         jonas.weber@kranbau.example  person
	//   lead.phone         +493023125042                person
	//   lead.last_name     Weber                        person
	//   lead.title         Leiter IT                    person
	//   lead.seniority     director                     derived
	//   lead.department    it                           derived
	//   lead.country       DE                           person
	//   lead.timezone      Europe/Berlin                derived
	//   company.name       Kranbau GmbH                 person
	//   company.domain     kranbau.example              derived
	//   lead.source        product                      person
	//   lead.seats_wanted  40                           person
	//   lead.on_trial      false                        person
	// signup 4711: Weber, Leiter IT (director) at kranbau.example, 260 people, +493023125042, DE
}
