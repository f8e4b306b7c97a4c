import { gatewayAccount } from '../config/config.ts';
import { policyHash, policyJson } from '../policy/policy.ts';
import type { Handlers } from './handler.ts';
import { reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import type { SETTINGS_ROUTES } from './settings.route.ts';

export const settingsHandlers: Handlers<keyof typeof SETTINGS_ROUTES> = {
  settings: ({ context: { config, env } }) => {
    const body: AnswerOf<'settings'> = {
      gateway_account: gatewayAccount(config),
      operators: [...config.operators],
      audiences: [...config.audiences],
      networks: [...config.networks],
      paused: config.paused,
      default_policy: policyJson(config.policy),
      default_policy_hash: policyHash(config.policy),
      ...(env['AUDIT_ARCHIVE'] === undefined ? {} : { retain_days: config.retainDays }),
      ...(config.traceUrl === undefined ? {} : { trace_url: config.traceUrl }),
    };
    return Promise.resolve(reply(body));
  },
};
