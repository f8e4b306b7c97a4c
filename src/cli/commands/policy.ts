import { type ArgumentSpec, defineCommand, type OptionSpec } from '../lib/command.ts';
import { POLICY_OPTIONS } from '../lib/policy-options.ts';

const ACCOUNT: ArgumentSpec = { syntax: '<account>', summary: 'name, label, address or CAIP-10' };
const FILE: ArgumentSpec = {
  syntax: '[file]',
  summary: 'the whole policy as JSON; - for standard input',
};
const OPERATOR: OptionSpec = {
  flags: '--operator',
  summary: "the operator's policy, not the owner's",
};
const IF_MATCH: OptionSpec = {
  flags: '--if-match <etag>',
  summary: 'only if this is what is there',
};

export const command = defineCommand({
  name: 'policy',
  summary: 'what an account may do: tools, amounts, rates, times',
  commands: [
    {
      name: 'get',
      summary: 'shows the policy of an account',
      arguments: [ACCOUNT],
      options: [OPERATOR, { flags: '-o, --out <file>', summary: 'also write it to a file' }],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { getPolicy } = await import('../policy/get.ts');
        await getPolicy(session, input);
      },
    },
    {
      name: 'set',
      summary:
        'writes it: from a file, or with only the named fields changed (none takes one away)',
      arguments: [ACCOUNT, FILE],
      options: [
        ...POLICY_OPTIONS,
        OPERATOR,
        IF_MATCH,
        {
          flags: '--dry-run',
          summary: 'only say what would change, and how many running calls it would refuse',
        },
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { setPolicy } = await import('../policy/set.ts');
        await setPolicy(session, input);
      },
    },
    {
      name: 'diff',
      summary: 'what `policy set` with the same words would change',
      arguments: [ACCOUNT, FILE],
      options: [...POLICY_OPTIONS, OPERATOR],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { diffPolicy } = await import('../policy/diff.ts');
        await diffPolicy(session, input);
      },
    },
    {
      name: 'delete',
      summary: 'takes it away',
      arguments: [ACCOUNT],
      options: [OPERATOR, IF_MATCH],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { deletePolicy } = await import('../policy/delete.ts');
        await deletePolicy(session, input);
      },
    },
  ],
  examples: [
    "countersign policy set team/alice --tools 'lookup,search.*' --per-call 0.05 --per-day 1",
    'countersign policy set team/alice --rate 60/60s --until 30d --dry-run',
    'countersign policy get team/alice -o policy.json',
  ],
});
