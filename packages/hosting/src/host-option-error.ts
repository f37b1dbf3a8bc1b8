/** An option that the host cannot start with. The message is for the person at the command line. */
export class HostOptionError extends Error {}
