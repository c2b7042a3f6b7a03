# Starts programs in the ways Perl offers. usage: ways.pl WAY
use strict;
use warnings;
use IPC::Open3;
use POSIX ();

$| = 1;

my %ways = (
  'system-list' => sub { print system('sh', '-c', 'exit 7'), "\n" },
  'system-shell' => sub { print system('echo $((1 + 1)); exit 3'), "\n" },
  'system-killed' => sub { print system('kill -9 $$'), "\n" },
  'system-missing' => sub { { no warnings; print system('no-such-program'), " $!\n" } },
  'system-named' => sub { print system({'sh'} 'other', '-c', 'echo $0'), "\n" },
  'backticks' => sub { my @lines = `printf 'a\nb\n'; exit 4`; print scalar(@lines), " $?\n" },
  'open-read' => sub {
    open(my $stream, '-|', 'sh', '-c', 'echo one; echo two; exit 2') or die $!;
    print "read $_" while <$stream>;
    close($stream);
    print "$?\n";
  },
  'open-write' => sub {
    open(my $stream, '|-', 'sort', '-r') or die $!;
    print $stream "a\nb\n";
    close($stream);
    print "$?\n";
  },
  'open3' => sub {
    my $child = open3(my $in, my $out, undef, 'sh', '-c', 'cat; echo err >&2; exit 6');
    print $in "given\n";
    close($in);
    print sort <$out>;
    waitpid($child, 0);
    print $? >> 8, "\n";
  },
  'fork-exec' => sub {
    my $child = fork();
    if ($child == 0) { exec('sh', '-c', 'kill -USR1 $$') or POSIX::_exit(126) }
    waitpid($child, 0);
    print $? & 127, "\n";
  },
  'exec' => sub { exec('sh', '-c', 'echo replaced; exit 8') },
  'sigchld' => sub {
    my $seen = 0;
    local $SIG{CHLD} = sub { $seen++ };
    system('true');
    print "$?\n";
  },
  'alarm' => sub {
    my $child = fork();
    if ($child == 0) { alarm(1); exec('sleep', '30') or POSIX::_exit(126) }
    waitpid($child, 0);
    print $? & 127, "\n";
  },
);

$ways{$ARGV[0]}->();
