/** The driver: the real engine over in-memory edges and a clock the test owns. */
export {}
