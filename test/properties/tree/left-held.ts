import type { Plan } from './plan.ts';
import type { Step } from './steps.ts';

/**
 * A counterexample that fast-check found (seed -1189739807): the owner counted eight units as held by a child that had closed its
 * counter, and never recalled them.
 */
export const LEFT_HELD: readonly [Plan, readonly Step[], number] = [
  {
    start: 1801439955,
    members: [
      {
        parent: undefined,
        grants: [],
        operator: { counters: { lifetime: 23n } },
        owner: { counters: { hour: 47n } },
        credit: 40n,
      },
      {
        parent: 0,
        grants: [
          {
            total: 1000000n,
            seconds: 0n,
            inWindow: 10n,
            perCall: 1000000n,
            life: 1000000,
            byContract: false,
          },
        ],
        operator: { counters: { hour: 5n } },
        owner: { counters: { hour: 5n } },
        credit: 0n,
      },
      {
        parent: 0,
        grants: [
          {
            total: 1000000n,
            seconds: 0n,
            inWindow: 10n,
            perCall: 1000000n,
            life: 100,
            byContract: false,
          },
        ],
        operator: { counters: { hour: 53n } },
        owner: undefined,
        credit: 0n,
      },
      {
        parent: 1,
        grants: [
          {
            total: 1000000n,
            seconds: 0n,
            inWindow: 10n,
            perCall: 1000000n,
            life: 1000000,
            byContract: false,
          },
        ],
        operator: { counters: { hour: 5n } },
        owner: { counters: { hour: 5n } },
        credit: 0n,
      },
      {
        parent: 2,
        grants: [
          {
            total: 1000000n,
            seconds: 0n,
            inWindow: 10n,
            perCall: 1000000n,
            life: 1000000,
            byContract: false,
          },
        ],
        operator: { counters: { hour: 5n } },
        owner: { counters: { hour: 5n } },
        credit: 0n,
      },
    ],
  },
  [
    {
      do: 'call',
      of: 2,
      price: 9n,
      grant: undefined,
      keep: false,
      appetite: 0n,
      fates: ['now', 'now', 'now', 'now', 'now', 'now', 'now'],
    },
    {
      do: 'call',
      of: 'same',
      price: 8n,
      grant: 1,
      keep: false,
      appetite: 0n,
      fates: ['now', 'lost', 'asleep', 'now', 'meanwhile', 'now', 'now'],
    },
    {
      do: 'call',
      of: 'same',
      price: 15n,
      grant: undefined,
      keep: false,
      appetite: 5n,
      fates: ['late', 'now', 'now', 'twice', 'asleep', 'now', 'now'],
    },
    {
      do: 'call',
      of: 0,
      price: 0n,
      grant: undefined,
      keep: false,
      appetite: 0n,
      fates: ['now', 'now', 'now', 'now', 'now', 'now', 'now'],
    },
  ],
  12,
];
