/** How many lines of a failed run `dev/jobs.ts` repeats: two such runs fill the part of a log that CI shows. */
const MAX_LINES = 200;

/** A heading of Vitest, such as `⎯⎯ Failed Tests 2 ⎯⎯`: a line between rules, so that no output of a test is taken for it. */
const HEADING = /^⎯+ (?:Failed (?:Suites|Tests)|Unhandled Errors)\b.*⎯$/;

// oxlint-disable-next-line no-control-regex -- Vitest colours its headings on a terminal and with FORCE_COLOR.
const COLOUR = /\u001B\[[\d;]*m/g;

/**
 * Returns the part of a failed run's output that names its failures: Vitest's sections from `Failed Suites`, `Failed Tests` or `Unhandled
 * Errors` on, at most 200 lines. A run that ended without such a section (a crash, a configuration error) returns its last 200 lines.
 */
export const failedTests = (output: string): string => {
  const lines = output.trimEnd().split('\n');
  const start = lines.findIndex((line) => HEADING.test(line.replaceAll(COLOUR, '').trim()));
  if (start === -1) return lines.slice(-MAX_LINES).join('\n');
  const section = lines.slice(start);
  if (section.length <= MAX_LINES) return section.join('\n');
  const omitted = section.length - MAX_LINES;
  return [...section.slice(0, MAX_LINES), `… ${omitted} more lines are above`].join('\n');
};

const FAILURE = /^\s*(?:FAIL\s|[A-Za-z]*Error: )/;

/** The line with the name of each failure, and the first line of its error. */
const failureNames = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.replaceAll(COLOUR, '').trim()).filter((line) => FAILURE.test(line));

/** How many lines the short form keeps of a check without tests, which prints its messages last. */
const SHORT_LINES = 20;

/**
 * Returns each failure in the sections of Vitest, once: the line with its name and the first line of its error. Leaves out what tests print
 * between the sections of two runs. Returns the last 20 lines of a run without such a section.
 */
export const shortForm = (output: string): readonly string[] => {
  const lines = output.trimEnd().split('\n');
  let isInside = false;
  const inside = lines.filter((line) => {
    const text = line.replaceAll(COLOUR, '').trim();
    if (HEADING.test(text)) isInside = true;
    else if (/^Test Files\s/.test(text)) isInside = false;
    return isInside;
  });
  const names = new Set(failureNames(inside));
  return names.size > 0 ? [...names].slice(0, MAX_LINES) : lines.slice(-SHORT_LINES);
};
