import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'grant',
  summary: "signs with an owner's key that an agent may act for it, within limits",
  arguments: [{ syntax: '<agent>', summary: 'name, label, address or CAIP-10' }],
  options: [
    {
      flags: '--total <amount>',
      summary: 'the most in all, in dollars: 5 or 0.50; or in atomic units: 500000u',
    },
    { flags: '--per-call <amount>', summary: 'the most one call may cost; else the total' },
    { flags: '--per-day <amount>', summary: 'the most in one day of UTC' },
    { flags: '--tools <ids>', summary: 'ids, prefix.* or *, with commas (*)' },
    { flags: '--payee <addresses>', summary: 'who may be paid, with commas (any)' },
    { flags: '--expires <time>', summary: 'e.g. 30d or 2026-12-31 (30d)' },
    { flags: '--depth <number>', summary: 'how many grants may stand below it, 0 to 3 (0)' },
    { flags: '--below <hash>', summary: 'the grant that it stands on; else the one you live on' },
    {
      flags: '--beside',
      summary: 'earlier grants stay, and calls go on standing on the one before',
    },
    { flags: '--no-consent', summary: "do not sign with the agent's key, if it is here" },
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { grant } = await import('../grants/grant.ts');
    await grant(session, input);
  },
  examples: [
    'countersign grant team/alice --total 5 --per-call 0.05 --per-day 1 --as treasury',
    "countersign grant 0x… --total 20 --tools 'lookup,search.*' --depth 1",
  ],
});
