import type { CommandTree } from './lib/command.ts';

/** Every command, in the order of `--help`. A new command is its file and one line here. */
export const commands: CommandTree = {
  init: async () => await import('./init.ts'),
  doctor: async () => await import('./doctor.ts'),
  apply: async () => await import('./apply.ts'),
  tools: {
    summary: 'manage what a gateway sells',
    examples: [
      'countersign tools list',
      'countersign tools get lookup > lookup.json',
      'countersign tools disable lookup',
    ],
    commands: {
      list: async () => await import('./tools/list.ts'),
      get: async () => await import('./tools/get.ts'),
      put: async () => await import('./tools/put.ts'),
      disable: async () => await import('./tools/disable.ts'),
      enable: async () => await import('./tools/enable.ts'),
      remove: async () => await import('./tools/remove.ts'),
    },
  },
  call: async () => await import('./call.ts'),
  keys: {
    summary: 'manage private keys, each encrypted on this machine',
    examples: [
      'countersign keys new treasury',
      'countersign call /tools/lookup?word=river --as treasury',
      'pass show wallet | countersign keys import wallet --password-file pw',
    ],
    commands: {
      new: async () => await import('./keys/new.ts'),
      list: async () => await import('./keys/list.ts'),
      export: async () => await import('./keys/export.ts'),
      import: async () => await import('./keys/import.ts'),
    },
  },
  fleet: {
    summary: 'manage fleets: agents whose keys derive from one mnemonic',
    examples: [
      'countersign fleet new team --names alice,bob,carol',
      'countersign fleet derive team -n 2',
      'countersign call /tools/lookup?word=river --as team/alice',
    ],
    commands: {
      new: async () => await import('./fleet/new.ts'),
      derive: async () => await import('./fleet/derive.ts'),
      list: async () => await import('./fleet/list.ts'),
    },
  },
  grant: async () => await import('./grant.ts'),
  revoke: async () => await import('./revoke.ts'),
  policy: {
    summary: 'manage what an account may do: tools, amounts, rates, times',
    examples: [
      "countersign policy set team/alice --tools 'lookup,search.*' --per-call 0.05 --per-day 1",
      'countersign policy set team/alice --rate 60/60s --until 30d --dry-run',
      'countersign policy get team/alice -o policy.json',
    ],
    commands: {
      get: async () => await import('./policy/get.ts'),
      set: async () => await import('./policy/set.ts'),
      diff: async () => await import('./policy/diff.ts'),
      delete: async () => await import('./policy/delete.ts'),
    },
  },
  freeze: async () => await import('./freeze.ts'),
  pause: async () => await import('./pause.ts'),
  resume: async () => await import('./resume.ts'),
  spend: async () => await import('./spend.ts'),
  tail: async () => await import('./tail.ts'),
  accounts: {
    summary: 'inspect and label accounts and their descendants',
    examples: [
      'countersign accounts tree --as treasury',
      "countersign accounts label team/alice 'research crawler'",
    ],
    commands: {
      show: async () => await import('./accounts/show.ts'),
      tree: async () => await import('./accounts/tree.ts'),
      label: async () => await import('./accounts/label.ts'),
      list: async () => await import('./accounts/list.ts'),
    },
  },
  credits: {
    summary: 'buy, inspect and adjust credit',
    examples: [
      'countersign credits top-up 5 --as treasury',
      "countersign credits adjust team/alice --give 2 --reason 'ticket 7'",
    ],
    commands: {
      show: async () => await import('./credits/show.ts'),
      'top-up': async () => await import('./credits/top-up.ts'),
      adjust: async () => await import('./credits/adjust.ts'),
      refund: async () => await import('./credits/refund.ts'),
    },
  },
  settlements: {
    summary: 'inspect payments and act on them, as operator',
    examples: [
      'countersign settlements list --state open',
      'countersign settlements redrive 0x… 0x…',
      'countersign settlements export --from 2026-11-01 --to 2026-11-30 -o november.csv',
      "countersign settlements resolve 0x… 0x… --release --reason 'never delivered'",
    ],
    commands: {
      list: async () => await import('./settlements/list.ts'),
      show: async () => await import('./settlements/show.ts'),
      redrive: async () => await import('./settlements/redrive.ts'),
      'write-off': async () => await import('./settlements/write-off.ts'),
      resolve: async () => await import('./settlements/resolve.ts'),
      reconcile: async () => await import('./settlements/reconcile.ts'),
      backends: async () => await import('./settlements/backends.ts'),
      export: async () => await import('./settlements/export.ts'),
      letters: async () => await import('./settlements/letters.ts'),
      resend: async () => await import('./settlements/resend.ts'),
    },
  },
  webhooks: {
    summary: 'manage webhooks, which receive alerts',
    examples: [
      'countersign webhooks put pager https://ops.example/alerts --events soft_limit,debt',
    ],
    commands: {
      list: async () => await import('./webhooks/list.ts'),
      put: async () => await import('./webhooks/put.ts'),
      remove: async () => await import('./webhooks/remove.ts'),
      test: async () => await import('./webhooks/test.ts'),
      log: async () => await import('./webhooks/log.ts'),
    },
  },
  audit: {
    summary: 'export and verify audit logs',
    examples: [
      'countersign audit export team/alice -o alice.ndjson',
      'countersign audit verify alice.ndjson',
    ],
    commands: {
      export: async () => await import('./audit/export.ts'),
      verify: async () => await import('./audit/verify.ts'),
    },
  },
  import: {
    summary: 'convert limits of other systems to policies, and report what does not map',
    examples: [
      'countersign import unkey keys.json --price 0.001',
      'countersign import litellm keys.json --apply --map accounts.json',
    ],
    commands: {
      unkey: async () => await import('./import/unkey.ts'),
      litellm: async () => await import('./import/litellm.ts'),
    },
  },
  completion: async () => await import('./completion.ts'),
};
