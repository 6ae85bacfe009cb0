package main

func Example() {
	main()
	// Output:
	// lead-1, spent 0.02
	//   company.employees: 1200, says register
	//   company.industry: Logistics, says register
	// lead-2, spent 0.02
	//   company.employees: 4, says register
	//   company.industry: there is none, says register
	// lead-3, spent 0.00
	//   company.employees: there is none, says register
	//   company.industry: there is none, says register
	// lead-4, spent 0.00
	//   company.employees: 1200, says register
	//   company.industry: Logistics, says register
}
