package cost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"triage/bench/record"
)

// wrkRate is where wrk says how many it was answered.
var wrkRate = regexp.MustCompile(`(?m)^\s*(\d+) requests in`)

// wrkOdd is where it says that something else came.
var wrkOdd = regexp.MustCompile(`(?m)^\s*(Non-2xx.*|Socket errors.*)$`)

// wrk measures a case once more with wrk as the client, on the ends' core: does somebody else's generator say the same?
func (g *guest) wrk(name string, numbers map[string]float64, connections int) error {
	g.at = name
	path, err := exec.LookPath("wrk")
	if err != nil {
		return err
	}
	// It takes whole seconds.
	lasts := max(time.Second, g.Each.Round(time.Second))
	cmd := exec.Command(path, "-t1", "-c"+strconv.Itoa(connections), fmt.Sprintf("-d%ds", int(lasts.Seconds())), g.running.URLs[0]+"/r00000/item")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := os.CreateTemp("", "wrk")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(output.Close(), os.Remove(output.Name())) }()
	cmd.Stdout, cmd.Stderr = output, output
	w, err := g.watch(func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		over := false
		var failed error
		err := g.ends.run(g.ctx, lasts+toDrain*10, func() bool { // the origin
			select {
			case failed = <-ended:
				over = true
			default:
			}
			return over
		})
		if !over {
			_ = cmd.Process.Kill()
			<-ended
			return errors.Join(err, errors.New("wrk did not end"))
		}
		return errors.Join(err, failed)
	})
	text, readErr := os.ReadFile(output.Name())
	if err = errors.Join(err, readErr); err != nil {
		return fmt.Errorf("running wrk: %w\n%s", err, text)
	}
	found := wrkRate.FindSubmatch(text)
	if found == nil {
		return fmt.Errorf("wrk said nothing about its requests:\n%s", text)
	}
	answered, _ := strconv.Atoi(string(found[1]))
	t := record.Trial{Begun: w.begun.UTC(), Seconds: w.took.Seconds(), Harness: record.Harness{Sent: answered, Valid: true}, Values: map[string]record.Number{
		mWrk:     record.Number(float64(w.proxy.Nanoseconds()) / 1e3 / float64(max(1, answered))),
		mWrkRate: record.Number(float64(answered) / w.took.Seconds()),
	}}
	if problem := wrkOdd.Find(text); problem != nil {
		t.Harness.Valid, t.Harness.Notes = false, []string{"wrk: " + string(problem)}
	}
	g.put(name, numbers, t)
	return nil
}
