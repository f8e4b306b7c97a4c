import type { OptionSpec } from '../lib/command.ts';

/** The options of `init` and `create`: the settings of a gateway. */
export const initOptions: readonly OptionSpec[] = [
  { flags: '--pay-to <address>', summary: 'address that receives the payments' },
  {
    flags: '--network <name>',
    summary: 'network to accept payments on, e.g. base-sepolia, base, or a CAIP-2 id',
  },
  {
    flags: '--rpc <url>',
    summary: 'JSON-RPC endpoint of that network',
    env: 'COUNTERSIGN_RPC_URL',
  },
  { flags: '--upstream <url>', summary: 'URL of the first tool behind the gateway' },
  {
    flags: '--audience <origin>',
    summary: 'origin that agents call (default: http://localhost:8787)',
  },
  {
    flags: '--facilitator <url>',
    summary: 'facilitator that settles (default: one for the network)',
  },
  {
    flags: '--without-relayer',
    summary: 'settle by the facilitator alone, without a key of your own',
  },
  {
    flags: '--operator <address>',
    summary: 'address that may manage the gateway; several comma-separated',
  },
  { flags: '--local-stack', summary: 'for this machine only: allow http and local URLs' },
  { flags: '--keep-tools', summary: 'do not change tools.json' },
  { flags: '--skip-checks', summary: 'do not check RPC, token, facilitator and upstream' },
  { flags: '--force', summary: 'overwrite edited values' },
];
