import type { CommandSpec } from '../lib/command.ts';
import { command as accounts } from './accounts.ts';
import { command as apply } from './apply.ts';
import { command as audit } from './audit.ts';
import { command as call } from './call.ts';
import { command as completion } from './completion.ts';
import { command as credits } from './credits.ts';
import { command as doctor } from './doctor.ts';
import { command as fleet } from './fleet.ts';
import { command as freeze } from './freeze.ts';
import { command as grant } from './grant.ts';
import { command as imports } from './import.ts';
import { command as init } from './init.ts';
import { command as keys } from './keys.ts';
import { command as pause } from './pause.ts';
import { command as policy } from './policy.ts';
import { command as resume } from './resume.ts';
import { command as revoke } from './revoke.ts';
import { command as settlements } from './settlements.ts';
import { command as spend } from './spend.ts';
import { command as tail } from './tail.ts';
import { command as tools } from './tools.ts';
import { command as webhooks } from './webhooks.ts';

/** Every command, in the order of `--help`. A command is a file here, and a line in this list. */
export const commands: readonly CommandSpec[] = [
  ...[init, doctor, apply, tools, call, keys, fleet],
  ...[grant, revoke, policy, freeze, pause, resume],
  ...[spend, tail, accounts, credits, settlements, webhooks, audit, imports, completion],
];
