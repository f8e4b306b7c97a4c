import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'call',
  summary: 'calls a URL as curl does, and pays if it must',
  arguments: [{ syntax: '<url>', summary: 'a URL, or a path at the gateway' }],
  options: [
    { flags: '-X, --request <method>', summary: 'GET; POST with -d' },
    { flags: '-d, --data <data>', summary: 'body; @file, or @- for standard input' },
    { flags: '-H, --header <line>', summary: "e.g. 'accept: text/plain'", many: true },
    { flags: '--max <amount>', summary: 'the most it may cost ($0.05)' },
    { flags: '--credit', summary: 'pay from credit only, sign no payment' },
    { flags: '--grant <hash>', summary: 'the grant to stand on; else the default one' },
    { flags: '--dry-run', summary: 'ask what would happen; nothing runs or is paid' },
    { flags: '--timeout <seconds>', summary: 'for each attempt to get an answer (120)' },
    { flags: '-v, --verbose', summary: 'show each step: offer, signature, answer, receipt' },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { runCall } = await import('../call/run-call.ts');
    await runCall(session, input);
  },
  examples: [
    "countersign call '/tools/lookup?word=river' | jq .senses",
    `countersign call https://api.example/tools/translate -d '{"text":"hello","to":"fr"}' --max 0.02 -v`,
    "countersign call '/tools/lookup?word=river' --dry-run",
  ],
});
