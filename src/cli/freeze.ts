import { statusCommand } from './lib/account-status.ts';

export const command = statusCommand(
  'frozen',
  'freeze an account and all its descendants; an owner cannot lift the freeze of an operator',
);
