package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"wireloom.org/peer/go-thrift/gen/wireloom"
)

func (w *world) valueScenarios() []scenario {
	return []scenario{
		w.scenario("whoami", w.whoami),
		w.scenario("types", types),
		w.scenario("containers", func(c *connection) error {
			return first(func() error { return everything(c) }, func() error { return containers(c) })
		}),
		w.scenario("deep", nesting),
		w.scenario("large", large),
	}
}

func (w *world) whoami(c *connection) error {
	actual, err := c.echo().Whoami(background)
	return equal(w.partner+" "+w.serves, actual, err)
}

func types(c *connection) error {
	return first(
		func() error { return scalars(c) },
		func() error { return doubles(c) },
		func() error { return texts(c) },
		func() error { return binaries(c) },
		func() error { return structs(c) },
		func() error {
			actual, err := c.echo().Join(background, "third", "first", -2)
			return equal("first -2 third", actual, err)
		},
	)
}

func scalars(c *connection) error {
	e := c.echo()
	return first(
		func() error { return e.Nothing(background) },
		func() error { return echoes(e.EchoBool, true, false) },
		func() error { return echoes(e.EchoByte, 0, 1, -1, math.MaxInt8, math.MinInt8) },
		func() error { return echoes(e.EchoI16, 0, 1, -1, 63, 64, -64, -65, math.MaxInt16, math.MinInt16) },
		func() error { return echoes(e.EchoI32, 0, 1, -1, 8191, 8192, math.MaxInt32, math.MinInt32) },
		func() error {
			return echoes(e.EchoI64, 0, 1, -1, 1<<31, -1<<31-1, 1<<55, 1<<56-1, math.MaxInt64, math.MinInt64)
		},
		func() error {
			return echoes(e.EchoColor, wireloom.Color_RED, wireloom.Color_GREEN, wireloom.Color_BLUE)
		},
	)
}

func doubles(c *connection) error {
	values := []float64{0, 1, -1, 0.1, math.Pi, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64,
		math.Inf(1), math.Inf(-1), math.NaN()}
	if c.can("negative-zero") {
		values = append(values, math.Copysign(0, -1))
	}
	for _, value := range values {
		actual, err := c.echo().EchoDouble(background, value)
		if err != nil {
			return err
		}
		same := math.Float64bits(actual) == math.Float64bits(value)
		if !same && !(math.IsNaN(actual) && math.IsNaN(value)) {
			return fmt.Errorf("expected %v but got %v", value, actual)
		}
	}
	return nil
}

func texts(c *connection) error {
	return echoes(c.echo().EchoString, "", "x", "two words", "zwölf Boxkämpfer 柔道 😀 \u0001\n",
		strings.Repeat("a", 127), strings.Repeat("b", 128), strings.Repeat("é", 70_000))
}

func binaries(c *connection) error {
	for _, size := range []int{0, 1, 127, 128, 255, 16_383, 16_384, 65_536} {
		data := pattern(size)
		if actual, err := c.echo().EchoBinary(background, data); err != nil || string(actual) != string(data) {
			return fmt.Errorf("%d bytes came back as %d: %v", size, len(actual), err)
		}
	}
	return nil
}

func structs(c *connection) error {
	number, text, leaf := int32(-7), "text", &wireloom.Leaf{Name: "leaf", Number: 3}
	return first(
		func() error { return echoes(c.echo().EchoLeaf, leaf, &wireloom.Leaf{}) },
		func() error {
			return echoes(c.echo().EchoChoice, &wireloom.Choice{Number: &number}, &wireloom.Choice{Text: &text},
				&wireloom.Choice{Leaf: leaf})
		},
	)
}

func everything(c *connection) error {
	values := []*wireloom.Everything{full(), small()}
	if !c.can("bools") {
		values[0].Bools = []bool{}
	}
	for _, value := range values {
		actual, err := c.echo().EchoEverything(background, value)
		if err == nil {
			// Sets have no order.
			slices.Sort(actual.Names)
			slices.Sort(actual.Longs)
		}
		if err := equal(value, actual, err); err != nil {
			return err
		}
	}
	return nil
}

func full() *wireloom.Everything {
	late, last := int32(300), "last"
	leaf := func(i int) *wireloom.Leaf { return &wireloom.Leaf{Name: fmt.Sprint("leaf ", i), Number: int32(i)} }
	value := small()
	value.Yes, value.Small, value.ShortNumber, value.Number, value.LongNumber = true, -3, -300, 70_000, 1<<40
	value.Ratio, value.Text, value.Data, value.Color, value.Leaf = 0.25, "ünï", pattern(300), wireloom.Color_BLUE, leaf(1)
	for i := range 20 {
		value.Numbers = append(value.Numbers, int32(i*i*i-500))
		value.Bools = append(value.Bools, i%3 == 0)
		value.Ratios = append(value.Ratios, float64(i)/3)
	}
	value.Words = []string{"", "a", strings.Repeat("w", 200)}
	value.Leaves = []*wireloom.Leaf{leaf(2), leaf(3)}
	value.Lists = [][]int32{{}, {1}, {2, 3}}
	value.Names = []string{"one", "three", "two"}
	value.Longs = []int64{-1 << 40, 0, 1 << 40}
	value.Counts = map[string]int32{"a": 1, "b": -2}
	value.ByNumber = map[int32]*wireloom.Leaf{-1: leaf(4), 5: leaf(5)}
	value.ByName = map[string][]*wireloom.Leaf{"none": {}, "two": {leaf(6), leaf(7)}}
	value.Maps = map[int32]map[string]string{1: {}, 2: {"k": "v"}}
	value.Late, value.Last = &late, &last
	return value
}

// small has nothing in it that could be missing: this library always writes what is not optional.
func small() *wireloom.Everything {
	return &wireloom.Everything{
		Data: []byte{}, Color: wireloom.Color_RED, Leaf: &wireloom.Leaf{}, Numbers: []int32{}, Bools: []bool{},
		Words: []string{}, Leaves: []*wireloom.Leaf{}, Lists: [][]int32{}, EmptyList: []int32{}, Names: []string{},
		Longs: []int64{}, Counts: map[string]int32{}, ByNumber: map[int32]*wireloom.Leaf{},
		ByName: map[string][]*wireloom.Leaf{}, Maps: map[int32]map[string]string{}, EmptyMap: map[string]int32{},
		Ratios: []float64{},
	}
}

// nesting stays below the 64 that libraries allow, of which arguments and result are one.
func nesting(c *connection) error {
	for _, depth := range []int32{1, 10, 50} {
		var tree *wireloom.Tree
		for i := depth; i > 0; i-- {
			tree = &wireloom.Tree{Depth: i, Child: tree}
		}
		if err := echoes(c.echo().EchoTree, tree); err != nil {
			return err
		}
	}
	return nil
}

func containers(c *connection) error {
	for _, size := range []int{0, 1, 14, 15, 16, 127, 128, 1000} {
		list, set, lists := []int64{}, []string{}, map[string][]int32{}
		for i := range size {
			list = append(list, int64(i)*7_000_000_000-100)
			set = append(set, fmt.Sprintf("%05d", i))
			lists[fmt.Sprint(i)] = []int32{int32(i), -int32(i)}
		}
		actual, err := c.echo().EchoSet(background, set)
		slices.Sort(actual)
		err = first(
			func() error { return equal(set, actual, err) },
			func() error { return echoes(c.echo().EchoList, list) },
			func() error { return echoes(c.echo().EchoMap, lists) },
		)
		if err != nil {
			return fmt.Errorf("%d elements: %w", size, err)
		}
	}
	return nil
}

func large(c *connection) error {
	for _, size := range []int{1, 1 << 20, 16_000_000} {
		data := pattern(size)
		counted, err := c.echo().Count(background, data)
		if err := equal([]int32{int32(size), sum(data)}, counted, err); err != nil {
			return err
		}
		got, err := c.echo().Bytes(background, int32(size))
		if err != nil || string(got) != string(data) {
			return fmt.Errorf("asked for %d bytes and got %d: %v", size, len(got), err)
		}
	}
	return nil
}
