package main

import (
	"fmt"
	"math/rand"
	"reflect"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

func equal(expected, actual any, err error) error {
	if err != nil {
		return fmt.Errorf("expected %s but got the error %T %w", brief(expected), err, err)
	}
	if !reflect.DeepEqual(expected, actual) {
		return fmt.Errorf("expected %s but got %s", brief(expected), brief(actual))
	}
	return nil
}

func brief(value any) string {
	s := fmt.Sprintf("%T %+v", value, value)
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}
