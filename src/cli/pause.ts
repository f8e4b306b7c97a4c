import { statusCommand } from './lib/account-status.ts';

export const command = statusCommand('paused', 'pause an account and all its descendants');
