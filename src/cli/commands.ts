import type { CommandTree } from './lib/command.ts';
import { HELP_SECTION } from './lib/help.ts';

/**
 * Every noun and every command without one, below its heading of `--help`: one heading for each kind of user. A new command of an existing
 * noun goes into the noun's file and needs no line here.
 */
export const commands: CommandTree = {
  'Sell tools, as operator:': {
    create: async () => (await import('./create.ts')).command,
    dev: async () => (await import('./dev.ts')).command,
    init: async () => (await import('./init.ts')).command,
    doctor: async () => (await import('./doctor.ts')).command,
    deploy: async () => (await import('./deploy.ts')).command,
    settings: async () => (await import('./settings.ts')).command,
    check: async () => (await import('./check.ts')).command,
    apply: async () => (await import('./apply.ts')).command,
    tools: {
      summary: 'manage what a gateway sells, as operator',
      load: async () => (await import('./tools.ts')).group,
    },
    outages: async () => (await import('./outages.ts')).command,
    calls: {
      summary: 'inspect calls and refund them',
      load: async () => (await import('./calls.ts')).group,
    },
    settlements: {
      summary: 'manage payments and their settlement, as operator',
      load: async () => (await import('./settlements.ts')).group,
    },
    secret: {
      summary: 'store credentials of upstreams, which agents never see, as operator',
      load: async () => (await import('./secret.ts')).group,
    },
    webhooks: {
      summary: 'manage webhooks, which receive alerts',
      load: async () => (await import('./webhooks.ts')).group,
    },
  },
  'Call tools and pay, as agent:': {
    call: async () => (await import('./call.ts')).command,
    mcp: async () => (await import('./mcp.ts')).command,
  },
  'Give budgets to agents, as owner:': {
    keys: {
      summary: 'manage the private keys of this machine, each encrypted',
      load: async () => (await import('./keys.ts')).group,
    },
    fleet: {
      summary: 'manage fleets: many agents from one secret, each with its own key',
      load: async () => (await import('./fleet.ts')).group,
    },
    grant: async () => (await import('./grant.ts')).command,
    revoke: async () => (await import('./revoke.ts')).command,
    policy: {
      summary: 'manage what an account may do: tools, amounts, times',
      load: async () => (await import('./policy.ts')).group,
    },
    freeze: async () => (await import('./account-status.ts')).freeze,
    pause: async () => (await import('./account-status.ts')).pause,
    resume: async () => (await import('./account-status.ts')).resume,
    spend: async () => (await import('./spend.ts')).command,
    tail: async () => (await import('./tail.ts')).command,
    accounts: {
      summary: 'inspect and label accounts and their descendants',
      load: async () => (await import('./accounts.ts')).group,
    },
    erase: async () => (await import('./erase.ts')).command,
    export: async () => (await import('./export.ts')).command,
    approvals: {
      summary: 'decide on calls that wait for a person',
      load: async () => (await import('./approvals.ts')).group,
    },
    credits: {
      summary: 'buy, inspect and adjust credit',
      load: async () => (await import('./credits.ts')).group,
    },
    signer: {
      summary: 'enrol agents at a signer, which holds their wallet keys, as owner',
      load: async () => (await import('./signer.ts')).group,
    },
  },
  'Check what was decided, as auditor:': {
    audit: {
      summary: 'export and verify audit logs',
      load: async () => (await import('./audit.ts')).group,
    },
  },
  [HELP_SECTION]: {
    completion: async () => (await import('./completion.ts')).command,
  },
};
