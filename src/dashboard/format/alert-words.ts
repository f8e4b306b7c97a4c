import type { AlertRule } from '../../protocol/alert.ts';
import { shown, worded } from './text.ts';

type AlertGroup = {
  readonly name: string;
  /** When each alert of the group is raised (docs/management.md §8). */
  readonly alerts: readonly (readonly [rule: AlertRule, when: string])[];
};

/** Every alert, by the part of the gateway that a person looks at then. */
export const ALERT_GROUPS: readonly AlertGroup[] = [
  {
    name: 'Money',
    alerts: [
      ['soft_limit', 'An account used most of a limit: 80 %, or the share that its policy sets.'],
      ['debt', 'The credit of an account fell below zero.'],
      ['card_charged', 'The issuer charged a card that no call pays for.'],
      ['payee_missing', 'Payments are open to an address that PAY_TO does not name.'],
      ['reconciliation', 'Ledger and chain differ about a payment.'],
    ],
  },
  {
    name: 'Calls',
    alerts: [
      ['approval', 'A call waits for the approval of a person.'],
      ['upstream_failing', 'Most of the newest calls of a tool failed. Sent again when it works.'],
      ['breaker', 'An agent repeated one request, and the gateway stopped it.'],
      ['tool_changed', 'The server of an MCP tool changed or removed it. It is not sold now.'],
      ['secret_returned', 'An upstream answered with a secret, which the gateway removed.'],
      ['catalogue_stale', 'The gateway could not read its tools and sells their last version.'],
    ],
  },
  {
    name: 'Settlement',
    alerts: [
      ['stuck', 'A payment is still open 15 minutes after its call ended.'],
      ['facilitator_away', 'A facilitator or relayer does not settle. Sent again when it does.'],
      [
        'chain_stuck',
        'No node of a network answers, or it makes no blocks. Sent again when that ends.',
      ],
      ['gas', 'A relayer has little left for gas.'],
      ['backend', 'A facilitator rejects payments that are valid.'],
      ['dead_letter', 'No consumer could process a message.'],
    ],
  },
  {
    name: 'Operation',
    alerts: [
      ['queue_late', 'The messages of a queue wait too long. Sent again when that ends.'],
      [
        'cron_missed',
        'The cron trigger, which checks for outages, does not run. Sent again when it does.',
      ],
      ['webhook_disabled', 'The gateway stopped sending to a webhook.'],
      ['database_size', 'The database is 70 % or 90 % full.'],
      ['database_unavailable', 'The database accepts no entries.'],
      ['database_behind', 'The database lacks entries that the log has.'],
      ['log_behind', 'No signed checkpoint covers an entry that is ten minutes old.'],
      ['log_forked', 'Entries of an account differ from those in the log.'],
      ['witness', 'A witness has not cosigned the log for an hour, or knows another one.'],
      ['archive', 'The archive does not answer, lacks a file, or has other bytes.'],
    ],
  },
];

/** The sentence for an alert that was raised. @param rule of its entry: the gateway may know alerts that this page does not */
export const alertText = (rule = ''): string =>
  ALERT_GROUPS.flatMap(({ alerts }) => alerts).find(([known]) => known === rule)?.[1] ??
  shown(worded(rule));
