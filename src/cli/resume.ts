import { statusCommand } from './lib/account-status.ts';

export const command = statusCommand('active', 'resume an account that you froze or paused');
