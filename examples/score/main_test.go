package main

func Example() {
	main()
	// Output:
	// Tier A, 85 points (could be 85 to 115 once company employees is known).
	// Model first-steps version 1, as of 2 November 2026 09:30 UTC, valid until 5 November 2026 02:14 UTC.
	//
	// Fit: 25 points
	//          ?  company has at least 200 employees (rule size): could give 0 to 30, needs company employees
	//        +25  decides over a budget (rule rank): seniority = vp, derived by demo-form just now
	//
	// Intent: 60 points
	//        +20  looked at the prices twice in a week (rule pricing): pricing_view 2 times in all, last 10 minutes ago
	//        +40  asked for a demo (rule demo): demo_request just now (+40)
	//
	// Base score: fit + intent = 85
	//
	// Did not apply: free-mail.
}
