import { type ArgumentSpec, defineCommand, type OptionSpec } from '../lib/command.ts';

const FILE: ArgumentSpec = { syntax: '<file>', summary: 'JSON; - for standard input' };
const APPLY: readonly OptionSpec[] = [
  { flags: '--apply', summary: 'write the policies, to the accounts of --map' },
  { flags: '--map <file>', summary: 'JSON: id or name there to the account here' },
  { flags: '-y, --yes', summary: 'do not ask' },
  { flags: '--operator', summary: "the operator's policies, not the owner's" },
];

export const command = defineCommand({
  name: 'import',
  summary: 'limits of other systems as policies, with a report of what does not map',
  commands: [
    {
      name: 'unkey',
      summary: 'keys of Unkey: credits, refills, rate limits, expiry',
      arguments: [FILE],
      options: [
        { flags: '--price <amount>', summary: 'what one credit is worth, in dollars: 0.001' },
        ...APPLY,
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { runImport } = await import('../lib/run-import.ts');
        await runImport(session, input, 'unkey');
      },
    },
    {
      name: 'litellm',
      summary: 'keys, users and teams of LiteLLM: budgets, rates, expiry',
      arguments: [FILE],
      options: [
        { flags: '--models-as-tools', summary: 'take names of models for ids of tools' },
        ...APPLY,
      ],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { runImport } = await import('../lib/run-import.ts');
        await runImport(session, input, 'litellm');
      },
    },
  ],
  examples: [
    'countersign import unkey keys.json --price 0.001',
    'countersign import litellm keys.json --apply --map accounts.json',
  ],
});
