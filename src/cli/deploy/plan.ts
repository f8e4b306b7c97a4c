import type { Output } from '../lib/output.ts';
import { printable, widthOf, wrapped } from '../lib/text.ts';
import type { SignIn } from './account.ts';
import type { Deploying, Item, ResourceKind } from './resource.ts';
import { buckets } from './buckets.ts';
import { databases } from './database.ts';
import { queues } from './queues.ts';
import { secrets } from './secrets.ts';

/** What a deployment creates before the Worker, in this order. A new kind is a file like `queues.ts` and an entry here. */
export const RESOURCES: readonly ResourceKind[] = [databases, buckets, queues, secrets];

/** A step of the deployment, in the order in which it happens. */
export type Step = Item & { readonly step: string };

/** Compares what the project names with what the account has. */
export const planOf = async (deploying: Deploying, signIn: SignIn): Promise<readonly Step[]> => {
  const found = await Promise.all(
    RESOURCES.map(async (kind): Promise<readonly Step[]> => {
      const items =
        signIn.state === 'signed_in'
          ? await kind.look(deploying)
          : kind
              .wanted(deploying.project)
              .map((name): Item => ({ name, state: 'unknown', says: WHY[signIn.state] }));
      return items.map((item) => ({ step: kind.what, ...item }));
    }),
  );
  return [
    ...found.flat(),
    {
      step: 'migrations',
      name: deploying.project.database.name,
      state: 'make',
      says: 'those that it lacks',
    },
    { step: 'Worker', name: deploying.project.name, state: 'make', says: 'a new version' },
  ];
};

const WHY: Readonly<Record<Exclude<SignIn['state'], 'signed_in'>, string>> = {
  signed_out: 'not signed in to Cloudflare',
  unreachable: 'Cloudflare is not reachable',
};

const STATES = {
  exists: { mark: '✓', style: 'good', says: 'exists' },
  make: { mark: '+', style: 'accent', says: 'will be made' },
  blocked: { mark: '✗', style: 'bad', says: 'needs you' },
  unknown: { mark: '?', style: 'warn', says: 'unknown' },
} as const;

/** The plan for people: mark, kind, name, state, next step. */
export const planLines = ({ style, width }: Output, plan: readonly Step[]): string => {
  const label = Math.max(...plan.map(({ step }) => widthOf(step)));
  const columns = Math.min(width, 100);
  const indent = ' '.repeat(4);
  return plan
    .map(({ step, name, state, says, hint }) => {
      const { mark, style: colour, says: usual } = STATES[state];
      const what = `${style[colour](mark)} ${step.padEnd(label)}  `;
      const text = `${printable(name)}: ${says === undefined ? usual : `${usual} (${printable(says)})`}`;
      const next =
        hint === undefined
          ? ''
          : `\n${indent}${style.dim(wrapped(`→ ${printable(hint)}`, columns, indent))}`;
      return what + wrapped(text, columns, ' '.repeat(label + 4)) + next;
    })
    .join('\n');
};
