package main

import (
	"fmt"

	hessian "github.com/apache/dubbo-go-hessian2"
)

// genericScenarios are calls without the interface's types: $invoke, and a POJO as a map.
func genericScenarios(c *consumers) []scenario {
	return []scenario{
		{"generic", func() (string, error) {
			service, err := c.generic()
			if err != nil {
				return "", err
			}
			answer, err := service.Invoke(bg, "echo", []string{"java.lang.String"}, []hessian.Object{"generic"})
			if err := equal("generic", answer, err); err != nil {
				return "", err
			}
			answer, err = service.Invoke(bg, "add", []string{"int", "int"}, []hessian.Object{int32(2), int32(3)})
			return "", equal(int32(5), answer, err)
		}},
		{"generic-pojo", func() (string, error) {
			service, err := c.generic()
			if err != nil {
				return "", err
			}
			person := map[string]any{
				"class": "org.wireloom.peer.Person",
				"name":  "Grace",
				"age":   int32(85),
				"tags":  []string{"navy", "compiler"},
			}
			answer, err := service.Invoke(bg, "person", []string{"org.wireloom.peer.Person"}, []hessian.Object{person})
			if err != nil {
				return "", err
			}
			fields, ok := answer.(map[any]any)
			if !ok {
				return "", fmt.Errorf("expected a map but got %s", brief(answer))
			}
			if err := equal("Grace", fields["name"], nil); err != nil {
				return "", err
			}
			return "", equal(int32(86), fields["age"], nil)
		}},
	}
}
