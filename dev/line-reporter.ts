import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { Line } from './run-project.ts';

/** Reports output and results of a test project as JSON lines, for `runProject`. */
export default class LineReporter implements Reporter {
  onUserConsoleLog({ content, type }: { readonly content: string; readonly type: string }): void {
    if (type === 'stdout') write({ output: content.trimEnd() });
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    const failed = state === 'failed' ? errors.map(({ message, diff }) => diff ?? message) : [];
    write({ test: test.fullName, failed, meta: test.meta() });
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly { readonly message: string }[],
  ): void {
    const errors = [...modules.flatMap((each) => each.errors()), ...unhandled];
    for (const { message } of errors) write({ test: 'all', failed: [message], meta: {} });
  }
}

const write = (line: Line): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
