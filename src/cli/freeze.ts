import { statusCommand } from './lib/account-status.ts';

export const command = statusCommand(
  'frozen',
  'freeze an account and all its descendants until whoever froze it resumes it',
);
