import { TestEnvironment } from 'jest-environment-node';

let settled;

function skip({ children }) {
  for (const child of children)
    if (child.type === 'describeBlock') skip(child);
    else child.mode = 'skip';
}

/** For mutants: one failed test settles the matter, and the tests after it are skipped, also those of the files that follow. */
export default class FailFast extends TestEnvironment {
  handleTestEvent({ name }, { rootDescribeBlock }) {
    const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
    if (mutant === undefined) return;
    if (name === 'test_fn_failure' || name === 'hook_failure') settled = mutant;
    if (settled === mutant && ['test_fn_failure', 'hook_failure', 'run_start'].includes(name)) skip(rootDescribeBlock);
  }
}
