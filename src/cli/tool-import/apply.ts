import { planOf } from '../../tool-import/plan.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import { outcomeText, planText } from '../lib/catalogue-plan.ts';
import { cancelled, Ended, EXIT } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Output } from '../lib/output.ts';
import { proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted, printable, wrapped } from '../lib/text.ts';
import { NOTHING, type Target } from './target.ts';

/** Tools to import, and what to print about them. */
export type Imported = {
  readonly tools: readonly ToolDocument[];
  /** Lines below the plan: `mark` is a word of at most four letters. */
  readonly remarks: readonly { readonly mark: string; readonly text: string }[];
  /** Members of the document of `--json`, besides those of the outcome. */
  readonly report: Readonly<Record<string, unknown>>;
  /** The number of tools on sale afterwards. With none, the command fails. */
  readonly sold: number;
  /** Printed if there is none. */
  readonly none: string;
};

/** Previews the changes, asks, and applies them. @throws Ended if the target rejected some, or nothing is sold */
export const applyImport = async (
  { out, prompts }: Session,
  input: Input,
  target: Target,
  { tools, remarks, report, sold, none }: Imported,
): Promise<void> => {
  const steps = planOf(target.present, tools, true);
  if (!out.json) {
    const lines = [
      ...(steps.length > 0 || tools.length > 0 ? [planText(out, steps, tools.length)] : []),
      ...remarks.map(({ mark, text }) => remarkLine(out, mark, text)),
      ...(sold === 0 ? [none] : []),
    ];
    out.item({}, () => lines.join('\n'));
  }
  const isDone = input.flag('dryRun') || steps.length === 0;
  if (!isDone && !input.flag('yes')) {
    const question = { message: `Apply ${counted(steps.length, 'change')}?`, instead: '--yes' };
    if (!(await prompts.confirm(question))) throw cancelled();
  }
  const { applied, failed } = isDone ? NOTHING : await target.apply(steps);
  if (!isDone || out.json) {
    out.result({ ...report, planned: steps, applied, raced: failed }, () =>
      outcomeText(out, applied, failed),
    );
  }
  if (failed.length > 0 || sold === 0) throw new Ended(EXIT.failed);
};

const remarkLine = (out: Output, mark: string, text: string): string =>
  wrapped(`${out.style.warn(mark)}  ${printable(text)}`, proseWidth(out), '      ');
