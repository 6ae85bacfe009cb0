package calendar_test

import (
	"fmt"
	"time"

	"github.com/leadloop/leadloop/routing/calendar"
)

func ExampleCalendar_Add() {
	nineToFive := []calendar.Span{{From: 9 * 60, Until: 17 * 60}}
	office, err := calendar.New(calendar.Definition{
		Hours: map[time.Weekday][]calendar.Span{
			time.Monday: nineToFive, time.Tuesday: nineToFive, time.Wednesday: nineToFive,
			time.Thursday: nineToFive, time.Friday: nineToFive,
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	friday := time.Date(2026, time.November, 6, 16, 30, 0, 0, time.UTC)
	due := office.Add(friday, time.Hour)
	fmt.Println(due.Format("Monday 15:04"))
	fmt.Println(office.Between(friday, due))
	// Output:
	// Monday 09:30
	// 1h0m0s
}
