package main

// calls is every case of the interop client that needs no credentials. Not among them is pick_first_unary, which asks
// for the server's id: this version's server has none. It has no case for compressed messages.
func calls(c client) []scenario {
	scenarios := []scenario{}
	for _, name := range []string{
		"empty_unary",
		"large_unary",
		"client_streaming",
		"server_streaming",
		"ping_pong",
		"empty_stream",
		"timeout_on_sleeping_server",
		"cancel_after_begin",
		"cancel_after_first_response",
		"status_code_and_message",
		"special_status_message",
		"custom_metadata",
		"unimplemented_method",
		"unimplemented_service",
	} {
		scenarios = append(scenarios, c.passes(name, name))
	}
	// The balancer that hands the load reports to the cases about them.
	reports := `--service_config_json={"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}`
	// The limits of time that are the client's defaults are too tight for a busy machine.
	soak := []string{"--soak_overall_timeout_seconds=35", "--soak_per_iteration_max_acceptable_latency_ms=20000"}
	return append(scenarios,
		c.passes("orca_per_rpc", "orca_per_rpc", reports),
		c.passes("orca_oob", "orca_oob", reports),
		c.passes("rpc_soak", "rpc_soak", append(soak, "--soak_iterations=50")...),
		c.passes("channel_soak", "channel_soak", append(soak, "--soak_iterations=20")...),
		c.passes("rpc_soak_concurrent", "rpc_soak", append(soak, "--soak_iterations=200", "--soak_num_threads=20")...),
		c.passes("channel_soak_concurrent", "channel_soak", append(soak, "--soak_iterations=50", "--soak_num_threads=10")...),
	)
}
