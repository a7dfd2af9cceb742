"""Setting the project up in an AWS account: quick start, and the shell's environment after it.

Standard library only, since it runs before anything is installed; boto3 is taken where it is there.
"""
