import { defineCommand } from '../lib/command.ts';

export const command = defineCommand({
  name: 'init',
  summary: 'fills in the configuration of a gateway: asks, checks, writes',
  options: [
    { flags: '--pay-to <address>', summary: 'receives the payments' },
    {
      flags: '--network <name>',
      summary: 'where you are paid, e.g. base-sepolia, base, or CAIP-2',
    },
    { flags: '--rpc <url>', summary: 'JSON-RPC of that network', env: 'COUNTERSIGN_RPC_URL' },
    { flags: '--upstream <url>', summary: 'the first tool behind the gateway' },
    { flags: '--audience <origin>', summary: 'what agents will call (http://localhost:8787)' },
    { flags: '--facilitator <url>', summary: 'settles payments; one that fits the network' },
    { flags: '--operator <address>', summary: 'may give orders under /admin; more after commas' },
    { flags: '--local-stack', summary: 'for this machine only: URLs may be http and local' },
    { flags: '--keep-tools', summary: 'leave tools.json as it is' },
    { flags: '--skip-checks', summary: 'do not look at RPC, token, facilitator and upstream' },
    { flags: '--force', summary: 'overwrite what has been edited' },
  ],
  run: async (session, input) => {
    const { runInit } = await import('../init/run-init.ts');
    await runInit(session, input);
  },
  examples: [
    'countersign init',
    'countersign init --pay-to 0x… --network base-sepolia --rpc https://sepolia.base.org --upstream https://api.example.com/weather',
  ],
});
