import { describe, expect, it } from 'vitest';
import { failedTests, shortForm } from '../../../dev/failed-tests.ts';

const PASSED = ' ✓ |workerd| test/unit/audit/chunk.test.ts (12 tests) 40ms\n'.repeat(500);
const END = ' Test Files  1 failed | 500 passed (501)\n';

describe('failures that follow the output of every run', () => {
  it.each([
    '⎯⎯⎯⎯⎯⎯⎯ Failed Suites 1 ⎯⎯⎯⎯⎯⎯⎯',
    '⎯⎯⎯⎯⎯⎯⎯ Failed Tests 2 ⎯⎯⎯⎯⎯⎯⎯',
    '⎯⎯⎯⎯⎯⎯ Unhandled Errors ⎯⎯⎯⎯⎯⎯',
    '\u001B[31m⎯⎯⎯⎯⎯⎯⎯\u001B[39m\u001B[1m\u001B[41m Failed Tests 2 \u001B[49m\u001B[22m\u001B[31m⎯⎯⎯⎯⎯⎯⎯\u001B[39m',
  ])('begin at the heading %j', (heading) => {
    const section = `${heading}\n\n FAIL  test/unit/audit/chunk.test.ts\n${END}`;
    expect(failedTests(`${PASSED}\n${section}`)).toBe(section.trimEnd());
  });

  it('contain every section from the first one on', () => {
    const sections = '⎯⎯ Failed Suites 1 ⎯⎯\n suite\n⎯⎯ Failed Tests 1 ⎯⎯\n test';
    expect(failedTests(`${PASSED}${sections}\n`)).toBe(sections);
  });

  it('do not begin at a line that only quotes a heading', () => {
    const section = `⎯⎯ Failed Tests 1 ⎯⎯\n FAIL\n${END}`;
    const printed = 'stdout | a test\nFailed Tests 1\nexpected: ⎯⎯ Failed Tests 1 ⎯⎯\n';
    expect(failedTests(`${printed}${section}`)).toBe(section.trimEnd());
  });

  it('end after 200 lines and count what they leave out', () => {
    const lines = failedTests(`⎯⎯ Failed Tests 1 ⎯⎯\n${' FAIL\n'.repeat(300)}`).split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([
      201,
      '⎯⎯ Failed Tests 1 ⎯⎯',
      '… 101 more lines are above',
    ]);
  });

  it('are the last 200 lines of a run that ended without such a section', () => {
    const lines = failedTests(`${PASSED}Error: no such project\n`).split('\n');
    expect([lines.length, lines.at(-1)]).toEqual([200, 'Error: no such project']);
  });
});

describe('the short form of failures', () => {
  it('is the tests and the first lines of their errors, without colours', () => {
    const failures = [
      '⎯⎯ Failed Tests 1 ⎯⎯',
      '\u001B[31m FAIL \u001B[39m |node| test/cli/dev.test.ts > starts',
      'Error: the gateway ended while starting',
      '  its output: Error: Address already in use',
      ' ❯ healthy dev/stack/wrangler.ts:110:17',
      'AssertionError: expected 1 to be 2',
    ];
    expect(shortForm(failures.join('\n'))).toEqual([
      'FAIL  |node| test/cli/dev.test.ts > starts',
      'Error: the gateway ended while starting',
      'AssertionError: expected 1 to be 2',
    ]);
  });

  it('has the failures of every run and not what tests print between two runs', () => {
    const run = (name: string): string =>
      `Error: printed by ${name}\n⎯⎯ Failed Tests 1 ⎯⎯\n FAIL ${name}\n${'more\n'.repeat(300)}${END}`;
    expect(shortForm(`${run('one')}${run('two')}${run('one')}`)).toEqual(['FAIL one', 'FAIL two']);
  });

  it('is the end of the output of a check without tests', () => {
    const lines = shortForm(`${'passed\n'.repeat(500)}src/worker/app.ts: error TS2304`);
    expect([lines.length, lines.at(-1)]).toEqual([20, 'src/worker/app.ts: error TS2304']);
  });
});
